/** Where the times of an axis are written, so that each is whole and none stands on another. */
import type { Tick } from '@/shared/charts/axis.model'

export interface AxisLabel {
  text: string
  x: number
  isMajor: boolean
}

const GAP = 4

/**
 * The labels of an axis `width` pixels long: after their tick; the last before it where there is no room after.
 *
 * @param xOf where an instant stands.
 * @param textWidth how many pixels a text takes.
 */
export function axisLabels(
  ticks: readonly Tick[],
  width: number,
  xOf: (ms: number) => number,
  textWidth: (text: string) => number,
): AxisLabel[] {
  const labels: AxisLabel[] = []
  let free = 0
  for (const { at, text, isMajor } of ticks) {
    const wide = textWidth(text)
    const tick = xOf(at)
    const x = tick + GAP + wide <= width ? tick + GAP : tick - GAP - wide
    if (tick < 0 || tick > width || x < free) continue
    labels.push({ text, x, isMajor })
    free = x + wide + GAP
  }
  return labels
}
