import { describe, expect, it } from 'vitest'
import { clocksFor, draftOf } from './draft.model'

const START = { dt: '2026-01-01T00:00:00', tz: 'Europe/Paris' }
const one = (clock: object) => JSON.parse(JSON.stringify({ type: 'Schedule', clocks: [clock] })) as never

describe('draftOf', () => {
  it('puts a simple clock into fields', () => {
    expect(
      draftOf(one({ cron: '0 6 * * *', day_or: true, start_date: START, parameter_defaults: {} }), 'UTC'),
    ).toMatchObject({
      kind: 'cron',
      cron: '0 6 * * *',
      timezone: 'Europe/Paris',
    })
    expect(draftOf(one({ interval: 5_400_000_000 }), 'Asia/Tokyo')).toMatchObject({
      kind: 'interval',
      amount: '90',
      unit: 'minutes',
      timezone: 'UTC',
    })
    expect(draftOf(one({ interval: 172_800_000_000 }), 'UTC')).toMatchObject({ amount: '2', unit: 'days' })
  })
  it.each([
    { cron: '0 6 * * *', labels: [] },
    { cron: '0 6 * * *', parameter_defaults: { a: 1 } },
    { cron: '0 6 1 * 1', day_or: false },
    { interval: 90_000_000 },
    { dates: [] },
  ])('keeps %j as a document: the fields would lose something', (clock) => {
    const schedule = one(clock)
    const draft = draftOf(schedule, 'UTC')
    expect(draft.kind).toBe('document')
    expect(clocksFor(draft).clocks).toEqual({ schedule })
  })
  it('keeps filters and several clocks as a document', () => {
    const clock = { cron: '0 6 * * *' }
    expect(draftOf({ clocks: [clock, clock] }, 'UTC').kind).toBe('document')
    expect(draftOf({ clocks: [clock], filters: [{ fn: 'x' }] }, 'UTC').kind).toBe('document')
    expect(draftOf({ clocks: [clock], filters: [] }, 'UTC').kind).toBe('cron')
  })
  it('begins with the zone of the page', () => expect(draftOf(null, 'Asia/Tokyo').timezone).toBe('Asia/Tokyo'))
})

describe('clocksFor', () => {
  const draft = draftOf(null, 'UTC')
  it('sends one clock', () => {
    expect(clocksFor({ ...draft, cron: ' 0 6 * * * ' }).clocks).toEqual({
      cron_clocks: [{ cron: '0 6 * * *' }],
      timezone: 'UTC',
    })
    expect(clocksFor({ ...draft, kind: 'interval', amount: '1.5' }).clocks).toEqual({
      interval_clocks: [{ interval: 5400 }],
      timezone: 'UTC',
    })
    expect(clocksFor({ ...draft, kind: 'rrule' }).clocks).toHaveProperty('rrule_clocks')
  })
  it.each(['', '0', '-1', 'x'])('refuses an interval of %j', (amount) => {
    expect(clocksFor({ ...draft, kind: 'interval', amount, unit: 'minutes' }).problem).toContain('minute')
  })
  it('refuses what is not JSON, and nothing', () => {
    expect(clocksFor({ ...draft, kind: 'document', document: '{' }).problem).toContain('JSON')
    expect(clocksFor({ ...draft, cron: ' ' }).problem).not.toBeNull()
  })
})
