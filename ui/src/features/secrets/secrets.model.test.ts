import { expect, test } from 'vitest'
import { readSecret, whereOf } from './secrets.model'

test('secrets are found by name', () => {
  expect(whereOf({ q: 'AWS_', page: 1 })).toEqual({ name: { _ilike: '%AWS\\_%' } })
})

test('text is taken as it stands, unless it is to be JSON', () => {
  expect(readSecret('{"a": 1}', false)).toEqual({ value: '{"a": 1}', problem: null })
  expect(readSecret('{"a": 1}', true)).toEqual({ value: { a: 1 }, problem: null })
  expect(readSecret('hunter2', true).problem).toContain('not JSON')
})

test('empty and null are refused', () => {
  expect(readSecret('', false).problem).toBe('A secret cannot be empty.')
  expect(readSecret('null', true).problem).toBe('A secret cannot be null.')
  expect(readSecret('null', false)).toEqual({ value: 'null', problem: null })
})
