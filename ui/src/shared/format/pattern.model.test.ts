import { expect, test } from 'vitest'
import { containing } from './pattern.model'

test('what was typed stands for itself', () => {
  expect(containing(' a_b ')).toBe('%a\\_b%')
  expect(containing('100%')).toBe('%100\\%%')
  expect(containing('c:\\x')).toBe('%c:\\\\x%')
})
