/** Which part of the time is seen: all of the run, or what somebody has zoomed to, which stands in the address. */
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue'
import { panned, seen, within, zoomed, type View } from './timeline-view.model'

/** How long a view must have stood before it is written: browsers take some ten changes of the address in a second. */
const SETTLED_MS = 200

export interface Zoom {
  view: ComputedRef<View>
  /** A view `factor` times as long, around an instant or its own middle. */
  zoomBy: (factor: number, atMs?: number) => void
  /** Moves by a share of what is seen. */
  panBy: (share: number) => void
  /** All of the run again. */
  reset: () => void
}

/**
 * The zoom of a run whose whole is `whole()`.
 *
 * From all of the run into it, and out again, is a step that Back undoes; moving along and further in is none.
 *
 * @param written what the address says.
 * @param write changes that.
 */
export function useZoom(
  whole: () => View,
  written: () => View | null,
  write: (view: View | null, how: 'push' | 'replace') => void,
): Zoom {
  const text = seen().write
  const own = shallowRef(written())
  const view = computed(() => (own.value === null ? whole() : within(own.value, whole())))
  let known = text(own.value)
  let isStep = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function show(next: View | null, steps: boolean): void {
    own.value = next
    isStep ||= steps
    clearTimeout(timer)
    timer = setTimeout(settle, SETTLED_MS)
  }

  function settle(): void {
    const crosses = (known === '') !== (own.value === null)
    known = text(own.value)
    write(own.value, isStep && crosses ? 'push' : 'replace')
    isStep = false
  }

  // Somebody went back or forward, or followed a link: what is seen here gives way.
  watch(
    () => text(written()),
    (now) => {
      if (now === known) return
      clearTimeout(timer)
      isStep = false
      known = now
      own.value = written()
    },
  )
  onScopeDispose(() => clearTimeout(timer))
  return {
    view,
    zoomBy: (factor, atMs) => {
      const { fromMs, toMs } = view.value
      show(zoomed(view.value, factor, atMs ?? (fromMs + toMs) / 2, whole()), true)
    },
    panBy: (share) => show(panned(view.value, share * (view.value.toMs - view.value.fromMs), whole()), false),
    reset: () => show(null, true),
  }
}
