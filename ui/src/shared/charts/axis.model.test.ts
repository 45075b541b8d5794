import { describe, expect, it } from 'vitest'
import { countTicks, timeTicks } from './axis.model'

describe('countTicks', () => {
  it.each([
    [0, [0, 1]],
    [1, [0, 1]],
    [7, [0, 5, 10]],
    [100, [0, 50, 100]],
    [180, [0, 100, 200]],
    [26, [0, 10, 20, 30]],
  ])('%d', (most, ticks) => {
    expect(countTicks(most).slice(0, ticks.length)).toEqual(ticks)
    expect(countTicks(most).at(-1)).toBeGreaterThanOrEqual(most)
  })
})

describe('timeTicks', () => {
  const start = Date.UTC(2026, 10, 26, 6, 0)
  it('are round in UTC, and name the day where one begins', () => {
    const ticks = timeTicks(start, start + 24 * 3_600_000, 8, 'UTC')
    expect(ticks.map(({ text }) => text)).toEqual([
      ...['06:00', '09:00', '12:00', '15:00', '18:00', '21:00', '27 Nov', '03:00', '06:00'],
    ])
    expect(ticks.filter(({ isMajor }) => isMajor)).toHaveLength(1)
  })
  it('are round in a zone of an odd offset', () => {
    const ticks = timeTicks(start, start + 24 * 3_600_000, 8, 'Asia/Kathmandu')
    expect(ticks[0]?.text).toBe('12:00')
  })
  it('go down to milliseconds', () => {
    expect(timeTicks(start, start + 100, 5, 'UTC')[1]?.text).toBe('06:00:00.020')
  })
})
