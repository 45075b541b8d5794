/** The present, ticking each second while somebody looks at it, and the time zone in which instants are shown. */
import { computed, getCurrentScope, onScopeDispose, readonly, ref, shallowRef, type Ref } from 'vue'

const nowMs = shallowRef(Date.now())
let watchers = 0
let timer: ReturnType<typeof setInterval> | undefined

function tick(): void {
  if (document.visibilityState === 'visible') nowMs.value = Date.now()
}

/** The present in milliseconds; ticks as long as the component is there. */
export function useNow(): Readonly<Ref<number>> {
  if (watchers++ === 0) {
    tick()
    timer = setInterval(tick, 1000)
  }
  if (getCurrentScope()) {
    onScopeDispose(() => {
      if (--watchers === 0) clearInterval(timer)
    })
  }
  return readonly(nowMs)
}

const KEY = 'eparch.zone'
const LOCAL = Intl.DateTimeFormat().resolvedOptions().timeZone
const isUtc = ref(read() === 'UTC')

/** The zone in which instants are shown. */
export const zone = computed(() => (isUtc.value ? 'UTC' : LOCAL))

/** Shows instants in UTC, or in the browser's own zone again. */
export function toggleZone(): void {
  isUtc.value = !isUtc.value
  try {
    localStorage.setItem(KEY, isUtc.value ? 'UTC' : 'local')
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(KEY)
  } catch {
    return null
  }
}
