import { expect, test } from 'vitest'
import { readEntries, titleOf, withEntry } from './history.model'

const entry = (query: string) => ({ query, variables: '', atMs: 1 })

test('the newest comes first, and the same text is kept once', () => {
  const entries = withEntry([entry('{ a }'), entry('{ b }')], { ...entry('{ b }'), atMs: 5 })
  expect(entries.map(({ query, atMs }) => [query, atMs])).toEqual([
    ['{ b }', 5],
    ['{ a }', 1],
  ])
})

test('there is an end to it', () => {
  let entries = readEntries(null)
  for (let number = 0; number < 100; number++) entries = withEntry(entries, entry(`{ a${number} }`))
  expect(entries).toHaveLength(40)
  expect(entries[0]!.query).toBe('{ a99 }')
})

test('what is not of this form counts as nothing', () => {
  expect(readEntries('{')).toEqual([])
  expect(readEntries('{"a": 1}')).toEqual([])
  expect(readEntries(JSON.stringify([entry('{ a }'), { query: 1 }, null]))).toEqual([entry('{ a }')])
})

test('an operation is known by its name, or by how it begins', () => {
  expect(titleOf('query runs($x: Int) { flow_run { id } }')).toBe('runs')
  expect(titleOf('{\n  hello\n}')).toBe('{ hello }')
})
