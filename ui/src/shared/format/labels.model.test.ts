import { expect, test } from 'vitest'
import { labelsIn, labelsOf } from './labels.model'

test('labels stand between commas or on lines, each once, in order', () => {
  expect(labelsOf(' b, a,\nb ,, c d')).toEqual(['b', 'a', 'c d'])
  expect(labelsOf('  ')).toEqual([])
})

test('a document may say nothing of labels', () => {
  expect(labelsIn({ labels: ['a'] })).toEqual(['a'])
  expect(labelsIn({ labels: null })).toBeNull()
  expect(labelsIn({})).toBeNull()
  expect(labelsIn([])).toBeNull()
  expect(labelsIn(null)).toBeNull()
})
