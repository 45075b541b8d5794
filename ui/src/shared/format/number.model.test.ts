import { expect, it } from 'vitest'
import { capped, brief, count, percent, whole } from './number.model'

it('groups thousands', () => expect(whole(1234567)).toBe('1,234,567'))

it.each([
  [999, '999'],
  [1000, '1k'],
  [1250, '1.3k'],
  [34_400, '34k'],
  [999_600, '1M'],
  [5_600_000, '5.6M'],
])('shortens %d', (value, told) => expect(brief(value)).toBe(told))

it('counts', () => {
  expect(count(1, 'run')).toBe('1 run')
  expect(count(0, 'run')).toBe('0 runs')
  expect(count(2, 'entry', 'entries')).toBe('2 entries')
})

it('never says all or none where it is not', () => {
  expect(percent(1, 100_000)).toBe('1 %')
  expect(percent(99_999, 100_000)).toBe('99.9 %')
  expect(percent(2, 3)).toBe('67 %')
  expect(percent(3, 3)).toBe('100 %')
  expect(percent(0, 0)).toBe('–')
})

it('capped says where counting stopped', () => {
  expect([capped(0, 10_000), capped(10_000, 10_000), capped(10_001, 10_000)]).toEqual(['0', '10,000', '10,000+'])
})
