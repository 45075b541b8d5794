import { expect, test } from 'vitest'
import { pretty, readJson } from './json.model'

test('any JSON is a value, null too', () => {
  expect(readJson('null', 100)).toEqual({ value: null, problem: null })
  expect(readJson(' {"a": [1, "x"]} ', 100)).toEqual({ value: { a: [1, 'x'] }, problem: null })
})

test('what is no JSON, or too long, is told before it is sent', () => {
  expect(readJson('hello', 100).problem).toContain('double quotes')
  expect(readJson(JSON.stringify('é'.repeat(6000)), 10_240).problem).toContain('12002 bytes')
})

test('what is edited reads back to the same', () => {
  const value = { a: [null, true, { b: 'x' }] }
  expect(readJson(pretty(value), 1000).value).toEqual(value)
})
