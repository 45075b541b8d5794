/** State colours in the present theme: as `--state-Name` for styles, and as values for canvas. */
import { computed, watchEffect } from 'vue'
import { theme } from '@/shared/theme'
import { fitted } from './color.model'
import { colorOf, STATES } from './states.model'

const colors = computed(() => new Map(STATES.map((state) => [state, fitted(colorOf(state), theme.value)])))

/** The colour to draw a state with. */
export function stateColor(state: string | null): string {
  return (state !== null && colors.value.get(state)) || fitted(colorOf(null), theme.value)
}

watchEffect(() => {
  for (const [state, color] of colors.value) document.documentElement.style.setProperty(`--state-${state}`, color)
})
