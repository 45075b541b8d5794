/** Light or dark: the system's choice until the user makes one. public/theme.js applies it before the first paint. */
import { computed, ref, watchEffect } from 'vue'

export type Choice = 'system' | 'light' | 'dark'

const KEY = 'eparch.theme'
const system = matchMedia('(prefers-color-scheme: dark)')
const isSystemDark = ref(system.matches)
system.addEventListener('change', (event) => (isSystemDark.value = event.matches))

export const choice = ref<Choice>(read())
export const theme = computed(() =>
  choice.value === 'system' ? (isSystemDark.value ? 'dark' : 'light') : choice.value,
)

watchEffect(() => {
  document.documentElement.dataset.theme = theme.value
})

/** Keeps a choice. */
export function choose(chosen: Choice): void {
  choice.value = chosen
  try {
    localStorage.setItem(KEY, chosen)
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

function read(): Choice {
  try {
    const stored = localStorage.getItem(KEY)
    return stored === 'light' || stored === 'dark' ? stored : 'system'
  } catch {
    return 'system'
  }
}
