import { expect, it } from 'vitest'
import { profile, spansOf } from './timeline-profile.model'
import { run, states } from './timeline-samples'

const view = { fromMs: 100, toMs: 400 }

it('counts who is at work in each column, and marks where one failed', () => {
  const { active, failed, most, waiting } = profile(states.get('b')!.children, new Map(), view, 3, 1000)
  expect([...active]).toEqual([2, 1, 0])
  expect(most).toBe(2)
  expect([...failed]).toEqual([0, 0, 1])
  expect([...waiting]).toEqual([0, 0, 0])
})

it('counts waiting apart, before the start and between attempts', () => {
  const queued = run('b', null, null, 'Queued', { index: 0, sinceMs: 250 })
  const retried = run('b', 100, 399, 'Success', { index: 1 })
  const history = [
    { atMs: 100, state: 'Running' },
    { atMs: 150, state: 'Retrying' },
    { atMs: 350, state: 'Running' },
    { atMs: 399, state: 'Success' },
  ]
  const { active, waiting, waitState } = profile([queued, retried], new Map([['b1', history]]), view, 3, 1000)
  expect([...active]).toEqual([1, 0, 1])
  expect([...waiting]).toEqual([1, 2, 1])
  expect(waitState).toBe('Queued')
})

it('counts one after the other as one at a time, and what is shorter than a column at all', () => {
  const runs = [run('b', 100, 250), run('b', 250, 330), run('b', 330, 331)]
  expect([...profile(runs, new Map(), view, 3, 1000).active]).toEqual([1, 1, 1])
})

it('leaves out what is not in sight', () => {
  const { most, failed } = profile([run('b', 0, 50, 'Failed'), run('b', 500, 600)], new Map(), view, 3, 1000)
  expect([most, ...failed]).toEqual([0, 0, 0, 0])
})

it('spansOf joins columns beside each other, and over small gaps', () => {
  expect(spansOf(new Uint32Array([0, 2, 1, 0, 3]), 1)).toEqual([[1, 5]])
  expect(spansOf(new Uint32Array([0, 2, 1, 0, 3]))).toEqual([
    [1, 3],
    [4, 5],
  ])
})
