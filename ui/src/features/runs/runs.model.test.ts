import { describe, expect, it } from 'vitest'
import { readQuery } from '@/shared/url/query.model'
import { escaped, isFiltered, isUntilNow, orderOf, QUERY, whereOf as whereAt, type Filters } from './runs.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 39)
const none = readQuery(QUERY, {})
const UNTIL = {
  _or: [{ scheduled_start_time: { _lt: '2026-11-27T05:05:30.000Z' } }, { start_time: { _is_null: false } }],
}

function whereOf(filters: Filters, nowMs: number, part?: 'past' | 'planned') {
  return whereAt(filters, nowMs, Date.UTC(2026, 10, 27, 5, 5, 30) / 1000, part)
}

describe('whereOf', () => {
  it('asks for everything up to now where nothing is filtered', () => {
    expect(whereOf(none, NOW)).toEqual(UNTIL)
    expect(isFiltered(none)).toBe(false)
  })
  it('looks for names of runs and of flows, taking signs of patterns as they are', () => {
    const pattern = '%50\\% \\_a%'
    expect(whereOf({ ...none, q: ' 50% _a ' }, NOW)._and).toEqual([
      UNTIL,
      { _or: [{ name: { _ilike: pattern } }, { flow: { name: { _ilike: pattern } } }] },
    ])
  })
  it('asks for all states of a family', () => {
    const where = whereOf({ ...none, states: ['Running'] }, NOW)
    expect(where._and).toEqual([UNTIL, { state: { _in: ['Submitted', 'Running', 'Cancelling'] } }])
  })
  it('wants all filters to hold, and any of the labels', () => {
    const where = whereOf({ ...none, project: ['p'], label: ['a', 'b'] }, NOW)
    expect(where._and).toEqual([
      UNTIL,
      { flow: { project_id: { _in: ['p'] } } },
      { _or: [{ labels: { _contains: ['a'] } }, { labels: { _contains: ['b'] } }] },
    ])
  })
  it('asks the same within a minute', () => {
    const period = { ...none, period: '24h' as const }
    expect(whereOf(period, NOW)._and).toEqual([UNTIL, { scheduled_start_time: { _gte: '2026-11-26T05:04:00.000Z' } }])
    expect(whereOf(period, NOW + 20_000)).toEqual(whereOf(period, NOW))
    expect(isFiltered(period)).toBe(true)
  })
  it('takes a marked span before a period', () => {
    expect(whereOf({ ...none, period: '1h', from: 60, to: 120 }, NOW)).toEqual({
      scheduled_start_time: { _gte: '1970-01-01T00:01:00.000Z', _lt: '1970-01-01T00:02:00.000Z' },
    })
  })
  it('leaves out what is planned but where it is asked for, and finds that alone', () => {
    expect(whereOf(none, NOW, 'planned')).toEqual({
      scheduled_start_time: { _gte: '2026-11-27T05:05:30.000Z' },
      start_time: { _is_null: true },
    })
    expect(whereOf({ ...none, states: ['Waiting'] }, NOW)).toHaveProperty('state')
    expect(isUntilNow({ ...none, late: true })).toBe(false)
    expect(isUntilNow({ ...none, from: 60, to: 120 })).toBe(false)
    expect(isUntilNow({ ...none, states: ['Failed'] })).toBe(true)
  })
  it('late is what is due and waits for no person', () => {
    const where = whereOf({ ...none, late: true }, NOW)
    expect(where.state_start_time).toEqual({ _lt: '2026-11-27T05:03:45.000Z' })
    expect(where.state).toEqual({ _in: ['Scheduled', 'Resume', 'Retrying'] })
  })
})

it('orders by what is asked, runs that never started last', () => {
  expect(orderOf(none)).toEqual({ scheduled_start_time: 'desc' })
  expect(orderOf({ ...none, sort: 'started', up: true })).toEqual({ start_time: 'asc_nulls_last' })
})

it('escapes', () => expect(escaped('a\\b')).toBe('a\\\\b'))
