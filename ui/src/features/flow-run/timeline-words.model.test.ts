import { describe, expect, it } from 'vitest'
import { statesByTask } from './task-runs.model'
import { extentsOf, type Histories } from './timeline-parts.model'
import { run, states, tasks } from './timeline-samples'
import { nothingTold, tipOf } from './timeline-words.model'
import { rowsOf } from './timeline.model'

function tip(key: string, given = states, histories: Histories = new Map()) {
  const extents = extentsOf(given, histories)
  const rows = rowsOf(given, extents, { text: '', families: [], expanded: new Set(['b']) })
  const row = rows.find((each) => each.key === key)!
  return tipOf(row, { histories, extents, nowMs: 60_000, zone: 'UTC' })
}

describe('tipOf', () => {
  it('tells when a run began and how long it took', () => {
    expect(tip('d')).toEqual({ name: 'd', state: 'Success', lines: ['00:00:00.500 for 100 ms'] })
    expect(tip('b1')).toEqual({ name: 'b [1]', state: 'Failed', lines: ['00:00:00.120 for 180 ms'] })
    expect(tip('e')).toEqual({ name: 'e', state: null, lines: ['not started'] })
  })
  it('tells of a mapped task how its children fare', () => {
    expect(tip('b').lines).toEqual(['00:00:00.110 for 370 ms', '1 success', '1 failed'])
  })
  it('tells since when a run waits', () => {
    const paused = statesByTask(tasks, [run('a', null, null, 'Paused', { sinceMs: 5000 })])
    expect(tip('a', paused)).toEqual({
      name: 'a',
      state: 'Paused',
      lines: ['waiting since 00:00:05.000, for 55 s'],
    })
  })
  it('tells of attempts and of what they waited', () => {
    const history = ['Running', 'Retrying', 'Running', 'Retrying', 'Running', 'Success'].map((state, index) => {
      return { atMs: index * 1000, state }
    })
    const retried = statesByTask(tasks, [run('a', 0, 5000)])
    expect(tip('a', retried, new Map([['a-1', history]])).lines).toEqual([
      '00:00:00.000 for 5.0 s',
      '3 attempts',
      'waited for 2.0 s',
    ])
  })
  it('tells what never ran, and what has not begun', () => {
    const given = statesByTask(tasks, [run('a', null, 2000, 'TriggerFailed'), run('c', null, null, 'Pending')])
    expect(tip('a', given).lines).toEqual(['at 00:00:02.000, without having run'])
    expect(tip('c', given).lines).toEqual(['not started'])
  })
})

describe('nothingTold', () => {
  const told = (state: string, dueMs: number | null = null, taskCount = 7) =>
    nothingTold({ state, dueMs, taskCount }, 3_600_000, 'UTC')
  it('tells by how much a run is late', () => {
    expect(told('Scheduled', 3_000_000)).toEqual({
      title: 'Late by 10 min 00 s',
      text: 'It was to start at 00:50. None of its 7 tasks has begun.',
    })
  })
  it('tells when a run starts', () => {
    expect(told('Scheduled', 7_200_000, 1)).toEqual({
      title: 'Starts in 1 h',
      text: 'It is planned for 02:00. Its one task has not begun.',
    })
  })
  it('tells what else is so', () => {
    expect(told('Scheduled').title).toBe('Nothing has run yet')
    expect(told('Pending').title).toBe('Nothing has run yet')
    expect(told('Paused').title).toBe('Waits for approval')
    expect(told('Submitted').title).toBe('Is being started')
    expect(told('Cancelled').title).toBe('Cancelled before a task began')
    expect(told('Success', null, 0)).toEqual({ title: 'No tasks to show', text: 'This flow has no tasks.' })
  })
})
