import { describe, expect, it } from 'vitest'
import { reachable, rootsOfFailure, statesByTask, tasksOf, toRunAgain, type TaskRun } from './task-runs.model'

const NAMES = ['report', 'extract', 'transform', 'load']
const GRAPH = {
  task: NAMES.map((name) => ({
    ...{ id: name, name, slug: `${name}-1`, mapped: false, auto_generated: false, max_retries: 0 },
    is_reference_task: name === 'report',
  })),
  edge: [
    ['extract', 'transform', true],
    ['transform', 'load', false],
    ['load', 'report', false],
    ['load', 'report', false],
  ].map(([from, to, mapped]) => ({
    ...{ upstream_task_id: String(from), downstream_task_id: String(to), key: null, mapped: Boolean(mapped) },
  })),
}
const tasks = tasksOf(GRAPH)

function run(
  taskId: string,
  state: string,
  index = -1,
  startMs: number | null = 0,
  endMs: number | null = 10,
): TaskRun {
  return { id: `${taskId}${index}`, taskId, index, state, sinceMs: null, startMs, endMs, version: 3 }
}
const RUNS = [
  run('extract', 'Success'),
  run('transform', 'Mapped', -1, 10, 30),
  run('transform', 'Success', 1, 12, 20),
  run('transform', 'Failed', 0, 11, 40),
  run('load', 'TriggerFailed', -1, null, 41),
  run('report', 'Success', -1, 41, 42),
]

describe('tasksOf', () => {
  it('puts every task after those before it, whatever the order of rows', () => {
    expect([...tasks.values()].sort((a, b) => a.order - b.order).map(({ name }) => name)).toEqual([
      ...['extract', 'transform', 'load', 'report'],
    ])
  })
  it('joins two tasks once, and takes a task with a mapped edge as mapped', () => {
    expect(tasks.get('report')?.upstream).toEqual(['load'])
    expect(tasks.get('transform')?.isMapped).toBe(true)
  })
})

describe('statesByTask', () => {
  const states = statesByTask(tasks, RUNS)
  it('lets the most urgent child stand for a mapped task, from the first start to the last end', () => {
    expect(states.get('transform')).toMatchObject({ state: 'Failed', startMs: 10, endMs: 40 })
    expect(states.get('transform')?.counts).toEqual({ Failed: 1, Success: 1 })
    expect(states.get('transform')?.children.map(({ index }) => index)).toEqual([0, 1])
  })
  it('has no end while something runs', () => {
    const open = statesByTask(tasks, [...RUNS, run('transform', 'Running', 2, 50, null)])
    expect(open.get('transform')?.endMs).toBeNull()
  })
  it('has no state for a task that has not been reached', () => {
    expect(statesByTask(tasks, []).get('load')).toMatchObject({ state: null, own: null, startMs: null })
  })
  it('finds where failing began', () => {
    expect(rootsOfFailure(states).map(({ name }) => name)).toEqual(['transform'])
  })
})

it('reachable goes both ways', () => {
  expect([...reachable(tasks, ['transform'], 'downstream')]).toEqual(['load', 'report'])
  expect([...reachable(tasks, ['load'], 'upstream')]).toEqual(['transform', 'extract'])
})

describe('toRunAgain', () => {
  const ids = (chosen: string | null) => toRunAgain(tasks, RUNS, chosen).map(({ id }) => id)
  it('is what failed and what comes after, without children that succeeded and without their parent', () => {
    expect(ids(null)).toEqual(['transform0', 'load-1', 'report-1'])
  })
  it('is all of a chosen task, children too, and what comes after', () => {
    expect(ids('transform')).toEqual(['transform-1', 'transform1', 'transform0', 'load-1', 'report-1'])
    expect(ids('report')).toContain('report-1')
  })
})
