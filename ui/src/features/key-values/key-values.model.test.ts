import { expect, test } from 'vitest'
import { whereOf } from './key-values.model'

test('keys are found by what they contain', () => {
  expect(whereOf({ q: '', page: 1 })).toEqual({})
  expect(whereOf({ q: 'last_run', page: 1 })).toEqual({ key: { _ilike: '%last\\_run%' } })
})
