import { expect, test } from 'vitest'
import { lossOf, whereOf } from './projects.model'

test('projects are found by name and description, whatever signs were typed', () => {
  expect(whereOf({ q: ' ', page: 1 })).toEqual({})
  expect(whereOf({ q: 'etl_1', page: 2 })).toEqual({
    _or: [{ name: { _ilike: '%etl\\_1%' } }, { description: { _ilike: '%etl\\_1%' } }],
  })
})

test('what a deletion takes with it is told', () => {
  expect(lossOf(0)).toBe('It holds no flows.')
  expect(lossOf(1)).toMatch(/^One version of a flow goes/)
  expect(lossOf(12)).toMatch(/^12 versions of flows go/)
})
