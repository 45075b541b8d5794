import { expect, it } from 'vitest'
import { attemptsOf, childrenWhere, nearWhere, newsOf, resultOf, siblingsOf, titleOf } from './task-run.model'

const state = (name: string, version: number) => ({
  id: String(version),
  timestamp: '2026-01-01T00:00:00Z',
  state: name,
  message: null,
  version,
  result: null,
})

it('counts how often it began to run', () => {
  const names = ['Pending', 'Running', 'Retrying', 'Running', 'Success']
  expect(attemptsOf(names.map(state))).toBe(2)
  expect(attemptsOf([])).toBe(0)
})

it('tells what a state says only where it says more than its name', () => {
  expect(newsOf('Task run succeeded.')).toBeNull()
  expect(newsOf('KeyError: 1')).toBe('KeyError: 1')
  expect(newsOf(null)).toBeNull()
})

it('finds the result in the column or in the document of the state', () => {
  const local = { type: 'LocalResult', location: '/tmp/a.pickle' }
  expect(resultOf(local, null)).toEqual({ kind: 'LocalResult', location: '/tmp/a.pickle' })
  expect(resultOf(null, { _result: local }).location).toBe('/tmp/a.pickle')
  expect(resultOf(null, { _result: { type: 'NoResultType' } })).toEqual({ kind: null, location: null })
  expect(resultOf(null, 'x')).toEqual({ kind: null, location: null })
  expect(resultOf(null, { _result: { type: 'Result', location: null } })).toEqual({ kind: null, location: null })
  expect(resultOf({ type: 'S3Result', location: 5 }, null)).toEqual({ kind: 'S3Result', location: null })
})

it('asks for children of some families', () => {
  expect(childrenWhere('f', 't', [])).toEqual({
    flow_run_id: { _eq: 'f' },
    task_id: { _eq: 't' },
    map_index: { _gte: 0 },
  })
  expect(childrenWhere('f', 't', ['Failed']).state?._in).toContain('TimedOut')
})

it('names it by itself, by its task, by its slug', () => {
  expect(titleOf('mine', { name: 'a', slug: 'a-1' }, 3)).toBe('mine')
  expect(titleOf(null, { name: 'a', slug: 'a-1' }, 3)).toBe('a [3]')
  expect(titleOf(null, { name: null, slug: 'a-1' }, -1)).toBe('a-1')
  expect(titleOf(null, null, -1)).toBe('Task run')
})

it('names the parent and the children beside one, as far as there are any', () => {
  const family = [-1, 0, 2].map((map_index) => ({ map_index }))
  expect(siblingsOf(family, 1).map(({ name }) => name)).toEqual(['Parent', '[0]', '[2]'])
  expect(siblingsOf([{ map_index: -1 }, { map_index: 1 }], 0).map(({ name }) => name)).toEqual(['Parent', '[1]'])
  expect(nearWhere('f', 't', 4).map_index).toEqual({ _in: [-1, 3, 5] })
})
