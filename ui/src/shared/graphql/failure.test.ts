import { expect, it } from 'vitest'
import { failureOf, hasFailed } from './failure'

it('tells the first of several errors, with its hint, and how many more there are', () => {
  const [one, other] = [{ message: 'no', extensions: { code: 'X', hint: 'ask' } }, { message: 'never' }]
  expect(failureOf([one, other])).toMatchObject({ message: 'no (and 1 more)', code: 'X', hint: 'ask' })
  expect(failureOf([])).toMatchObject({ code: 'UNKNOWN' })
})

it('sees a change that found nothing to change', () => {
  expect(hasFailed({ archive_flow: { success: false } })).toBe(true)
  expect(hasFailed({ one: { success: true }, other: { id: 'x' }, none: null })).toBe(false)
})
