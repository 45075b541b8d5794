import { describe, expect, it } from 'vitest'
import { barsOf, indexAt, markedSpan, segmentsOf, totalOf } from './histogram.model'

const BARS = barsOf([
  { start: '2026-11-27T05:00:00+00:00', state_counts: { Success: 90, Cached: 5, Failed: 4, TriggerFailed: 1 } },
  { start: '2026-11-27T05:10:00+00:00', state_counts: {} },
  { start: '2026-11-27T05:20:00+00:00', state_counts: { Scheduled: 7, Submitted: 2 } },
])

describe('barsOf', () => {
  it('counts by family', () => {
    expect(BARS[0]).toMatchObject({ all: 100, counts: { Success: 95, Failed: 5, Waiting: 0 } })
    expect(BARS[2]).toMatchObject({ all: 9, counts: { Waiting: 7, Running: 2 } })
    expect(totalOf(BARS)).toMatchObject({ Success: 95, Failed: 5, Waiting: 7, Running: 2 })
  })
})

describe('segmentsOf', () => {
  it('stands failures on the base line', () => {
    expect(segmentsOf(BARS[0]!, 100, 0)).toEqual([
      { family: 'Failed', from: 0, to: 0.05 },
      { family: 'Success', from: 0.05, to: 1 },
    ])
  })
  it('never hides a single failure', () => {
    expect(segmentsOf({ ...BARS[0]!, counts: { ...BARS[0]!.counts, Failed: 1 } }, 10_000, 0.02)[0]?.to).toBe(0.02)
  })
})

it('finds bars by place, and spans by bars', () => {
  expect([-1, 0, 0.5, 1].map((part) => indexAt(part, 3))).toEqual([0, 0, 1, 2])
  expect(markedSpan(BARS, 2, 1, 600)).toEqual({ from: 1795756200, to: 1795757400 })
})
