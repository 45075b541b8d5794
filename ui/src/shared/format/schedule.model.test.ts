import { expect, it, test } from 'vitest'
import type { Json } from '@/shared/graphql/document'
import { clocksOf, cronWords, intervalWords, scheduleWords } from './schedule.model'

test.each([
  ['43 12 * * *', 'Daily at 12:43'],
  ['0 6,18 * * *', 'Daily at 06:00, 18:00'],
  ['* * * * *', 'Every minute'],
  ['*/15 * * * *', 'Every 15 minutes'],
  ['0 * * * *', 'Every hour'],
  ['@hourly', 'Every hour'],
  ['5 */6 * * *', 'Every 6 hours at :05'],
  ['11 * * * 1-5', 'Every hour at :11, on weekdays'],
  ['0 9 * * mon-fri', 'On weekdays at 09:00'],
  ['0 9 * * 0,6', 'At weekends at 09:00'],
  ['0 9 * * 6-7', 'At weekends at 09:00'],
  ['0 9 * * 1,3', 'On Monday, Wednesday at 09:00'],
  ['30 6 1 * *', 'Monthly on day 1 at 06:30'],
  ['30 6 L * *', 'On the last day of the month at 06:30'],
])('%s is %s', (cron, words) => expect(cronWords(cron)).toBe(words))

test.each(['*/7 * * * *', '0 9 1 * 1', '0 9 * jan *', '0 9 * * 5#2', '0 9 * * 5-1', '0 0 9 * * *', '61 * * * *', 'x'])(
  '%s stays as it is',
  (cron) => expect(cronWords(cron)).toBe(`Cron ${cron}`),
)

test.each([
  [60, 'Every minute'],
  [900, 'Every 15 minutes'],
  [3600, 'Every hour'],
  [5400, 'Every 90 minutes'],
  [86_400, 'Every day'],
  [90, 'Every 90 seconds'],
])('%d s is %s', (seconds, words) => expect(intervalWords(seconds)).toBe(words))

it('tells a whole schedule by its first clock', () => {
  const clocks: Json[] = [
    { type: 'IntervalClock', interval: 900_000_000 },
    { type: 'CronClock', cron: '0 6 * * *' },
  ]
  expect(scheduleWords({ type: 'Schedule', clocks })).toBe('Every 15 minutes, and 1 more')
  const daily = { cron: '0 6 * * *' }
  expect(scheduleWords({ clocks: [daily] })).toBe('Daily at 06:00 UTC')
  const start_date = { dt: '2026-01-01T00:00:00', tz: 'America/New_York' }
  expect(scheduleWords({ clocks: [{ ...daily, start_date }] })).toBe('Daily at 06:00 New York')
  expect(scheduleWords({ clocks: [{ dates: ['a', 'b'] }] })).toBe('On 2 dates')
  expect(scheduleWords({ clocks: [{ type: 'RRuleClock' }] })).toBe('By a recurrence rule')
})

it.each<Json | undefined>([null, undefined, {}, { clocks: 'x' }, { clocks: [] }, [1]])(
  'takes %j for no schedule',
  (given) => {
    expect(scheduleWords(given)).toBeNull()
    expect(clocksOf(given)).toEqual([])
  },
)
