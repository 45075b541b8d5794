import { describe, expect, it } from 'vitest'
import { choice, flag, id, list, readQuery, text, whole, writeQuery } from './query.model'

const SCHEMA = {
  q: text(),
  range: choice(['1h', '24h', '7d'], '24h'),
  states: list(['Failed', 'Running']),
  labels: list(),
  page: whole(1, 1),
  wrap: flag(true),
  flow: id(),
}
const DEFAULTS = readQuery(SCHEMA, {})
const ID = '0196a9f0-0000-7000-8000-000000000001'

describe('readQuery', () => {
  it('gives defaults for what is absent', () => {
    expect(DEFAULTS).toEqual({ q: '', range: '24h', states: [], labels: [], page: 1, wrap: true, flow: null })
  })
  it('gives defaults for what does not fit', () => {
    const raw = { range: '9y', states: 'Failed,Nonsense', page: '-3', wrap: 'maybe', flow: '../x' }
    expect(readQuery(SCHEMA, raw)).toEqual({ ...DEFAULTS, states: ['Failed'] })
  })
  it('takes the first of several', () => {
    expect(readQuery(SCHEMA, { q: ['a', 'b'] }).q).toBe('a')
  })
})

describe('writeQuery', () => {
  it('leaves out defaults and keeps what others have put there', () => {
    expect(writeQuery(SCHEMA, DEFAULTS, { tab: 'logs', q: 'old' })).toEqual({ tab: 'logs' })
  })
  it('writes what is read again', () => {
    const values = {
      q: 'a b',
      range: '7d',
      states: ['Running'],
      labels: ['a,b', '100%', 'ü'],
      page: 3,
      wrap: false,
      flow: ID,
    }
    const written = writeQuery(SCHEMA, values as typeof DEFAULTS)
    expect(readQuery(SCHEMA, written)).toEqual(values)
  })
  it('writes a flag only where it is not the default', () => {
    expect(writeQuery(SCHEMA, { ...DEFAULTS, wrap: false })).toEqual({ wrap: '0' })
  })
})
