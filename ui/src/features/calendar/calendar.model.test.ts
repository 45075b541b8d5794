import { expect, test } from 'vitest'
import type { Json } from '@/shared/graphql/document'
import { cellsOf, chosen, gridOf, keyOf, readOut, shifted, startOf, variablesOf } from './calendar.model'

const NOW = Date.parse('2026-11-27T23:30:00Z')
const NOVEMBER = { year: 2026, month: 11, day: 1 }

test('a month is shown in whole weeks, from Monday on', () => {
  const days = gridOf(NOVEMBER).map(keyOf)
  expect([days[0], days.at(-1), days.length]).toEqual(['2026-10-26', '2026-12-06', 42])
  expect(gridOf({ year: 2027, month: 2, day: 1 })).toHaveLength(28)
})

test('the present day is chosen where nothing is said, in the zone that is shown', () => {
  expect(chosen({ month: '', day: '' }, NOW, 'UTC').day.day).toBe(27)
  expect(chosen({ month: '', day: '' }, NOW, 'Europe/Athens').day.day).toBe(28)
  expect(chosen({ month: '2026-03', day: '' }, NOW, 'UTC')).toEqual({
    day: { year: 2026, month: 3, day: 1 },
    month: { year: 2026, month: 3, day: 1 },
  })
  expect(chosen({ month: '', day: '2026-02-14' }, NOW, 'UTC').month.month).toBe(2)
  expect(chosen({ month: 'x', day: '2026-02-30' }, NOW, 'UTC').day.day).toBe(27)
})

test('a day begins at its own midnight, also where the clocks change', () => {
  expect(startOf({ year: 2026, month: 3, day: 29 }, 'Europe/Athens')).toBe(Date.parse('2026-03-28T22:00:00Z'))
  expect(startOf({ year: 2026, month: 3, day: 30 }, 'Europe/Athens')).toBe(Date.parse('2026-03-29T21:00:00Z'))
  // Midnight is skipped: the day begins at one.
  expect(startOf({ year: 2026, month: 4, day: 24 }, 'Africa/Cairo')).toBe(Date.parse('2026-04-23T22:00:00Z'))
  expect(startOf({ year: 2026, month: 11, day: 27 }, 'Asia/Kathmandu')).toBe(Date.parse('2026-11-26T18:15:00Z'))
})

test('no part of what is asked has more than 500 hours, and each ends at a midnight', () => {
  for (const zone of ['UTC', 'Europe/Athens', 'Asia/Kathmandu', 'America/Santiago']) {
    for (let month = 1; month <= 12; month++) {
      const asked = variablesOf({ year: 2026, month, day: 1 }, { year: 2026, month, day: 3 }, zone)
      const bounds = [asked.first, asked.second, asked.third, asked.end].map((at) => Date.parse(at) / 3_600_000)
      const hours = [asked.first_hours, asked.second_hours, asked.third_hours]
      expect(hours).toEqual(hours.map((_, part) => bounds[part + 1]! - bounds[part]!))
      expect(Math.max(...hours)).toBeLessThanOrEqual(500)
      expect(Math.min(...hours)).toBeGreaterThanOrEqual(1)
    }
  }
})

test('hours add up to days of the zone', () => {
  const buckets: { start: string; state_counts: Json }[] = [
    { start: '2026-11-26T21:00:00Z', state_counts: { Success: 2 } },
    { start: '2026-11-26T22:00:00Z', state_counts: { Success: 3, Failed: 1 } },
    { start: '2026-11-27T12:00:00Z', state_counts: { Scheduled: 4, Paused: 1 } },
  ]
  const cells = cellsOf(NOVEMBER, buckets, 'Europe/Athens')
  const cell = cells.find(({ key }) => key === '2026-11-27')!
  expect(cell).toMatchObject({ all: 9, counts: { Success: 3, Failed: 1, Waiting: 5 }, isOfMonth: true })
  expect(readOut(cell)).toBe('27 November: 9 runs, 1 failed, 5 waiting')
  expect(readOut(cells[0]!)).toBe('26 October: no runs')
})

test('months are walked without falling over their ends', () => {
  expect(shifted(NOVEMBER, 0, 2)).toEqual({ year: 2027, month: 1, day: 1 })
  expect(shifted({ year: 2026, month: 12, day: 31 }, 1)).toEqual({ year: 2027, month: 1, day: 1 })
})
