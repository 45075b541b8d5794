import { describe, expect, it } from 'vitest'
import { readQuery } from '@/shared/url/query.model'
import { escaped, isFiltered, orderOf, QUERY, whereOf } from './runs.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 39)
const none = readQuery(QUERY, {})

describe('whereOf', () => {
  it('asks for everything where nothing is filtered', () => {
    expect(whereOf(none, NOW)).toEqual({})
    expect(isFiltered(none)).toBe(false)
  })
  it('looks for names of runs and of flows, taking signs of patterns as they are', () => {
    const pattern = '%50\\% \\_a%'
    expect(whereOf({ ...none, q: ' 50% _a ' }, NOW)).toEqual({
      _or: [{ name: { _ilike: pattern } }, { flow: { name: { _ilike: pattern } } }],
    })
  })
  it('asks for all states of a family', () => {
    const where = whereOf({ ...none, states: ['Running'] }, NOW)
    expect(where.state).toEqual({ _in: ['Submitted', 'Running', 'Cancelling'] })
  })
  it('wants all filters to hold, and any of the labels', () => {
    const where = whereOf({ ...none, project: ['p'], label: ['a', 'b'] }, NOW)
    expect(where._and).toEqual([
      { flow: { project_id: { _in: ['p'] } } },
      { _or: [{ labels: { _contains: ['a'] } }, { labels: { _contains: ['b'] } }] },
    ])
  })
  it('asks the same within a minute', () => {
    const period = { ...none, period: '24h' as const }
    expect(whereOf(period, NOW)).toEqual({ scheduled_start_time: { _gte: '2026-11-26T05:04:00.000Z' } })
    expect(whereOf(period, NOW + 20_000)).toEqual(whereOf(period, NOW))
    expect(isFiltered(period)).toBe(true)
  })
  it('takes a marked span before a period', () => {
    expect(whereOf({ ...none, period: '1h', from: 60, to: 120 }, NOW)).toEqual({
      scheduled_start_time: { _gte: '1970-01-01T00:01:00.000Z', _lt: '1970-01-01T00:02:00.000Z' },
    })
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
