import { expect, it } from 'vitest'
import { axisLabels } from './timeline-axis.model'

const ticks = [0, 50, 100, 180].map((at) => ({ at, text: '12:00:00', isMajor: false }))
const place = (width: number, wide: number, by = 0) =>
  axisLabels(
    ticks,
    width,
    (ms) => ms + by,
    () => wide,
  ).map(({ x }) => x)

it('labels stand after their tick, the last before it where it would be cut', () => {
  expect(place(300, 40)).toEqual([4, 54, 104, 184])
  expect(place(200, 40)).toEqual([4, 54, 104])
  expect(place(200, 25)).toEqual([4, 54, 104, 151])
})

it('labels are whole, and none stands on another', () => {
  for (const wide of [20, 40, 60, 90]) {
    for (const by of [-70, 0, 13]) {
      let free = 0
      for (const x of place(200, wide, by)) {
        expect(x).toBeGreaterThanOrEqual(free)
        expect(x + wide).toBeLessThanOrEqual(200)
        free = x + wide
      }
    }
  }
})
