import { describe, expect, it } from 'vitest'
import { readQuery } from '@/shared/url/query.model'
import { orderOf, QUERY, whereOf } from './runs.model'

const none = readQuery(QUERY, {})

describe('whereOf', () => {
  it('asks for everything where nothing is filtered', () => expect(whereOf(none)).toEqual({}))
  it('looks for names of runs and of flows, taking signs of patterns as they are', () => {
    const pattern = '%50\\% \\_a%'
    expect(whereOf({ ...none, q: ' 50% _a ' })).toEqual({
      _or: [{ name: { _ilike: pattern } }, { flow: { name: { _ilike: pattern } } }],
    })
  })
  it('asks for all states of a family', () => {
    expect(whereOf({ ...none, states: ['Running'] }).state?._in).toEqual(['Submitted', 'Running', 'Cancelling'])
  })
})

it('orders by what is asked, runs that never started last', () => {
  expect(orderOf(none)).toEqual({ scheduled_start_time: 'desc' })
  expect(orderOf({ ...none, sort: 'started', up: true })).toEqual({ start_time: 'asc_nulls_last' })
})
