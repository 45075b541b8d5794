import { describe, expect, it } from 'vitest'
import { statesByTask } from './task-runs.model'
import { extentsOf, historiesOf, isHeldUp, partsOf } from './timeline-parts.model'
import { run, states, tasks } from './timeline-samples'

const steps = (...given: [ms: number, state: string][]) => given.map(([atMs, state]) => ({ atMs, state }))
/** Parts as `from-to State`, waiting in brackets. */
const told = (...given: Parameters<typeof partsOf>) =>
  partsOf(...given).map(({ fromMs, toMs, isWaiting, state }) => {
    const text = `${fromMs}-${toMs} ${state}`
    return isWaiting ? `(${text})` : text
  })

describe('partsOf a run without a history', () => {
  it('is its work, up to now while it runs', () => {
    expect(told(run('a', 5, 9), undefined, 99)).toEqual(['5-9 Success'])
    expect(told(run('a', 5, null, 'Running'), undefined, 99)).toEqual(['5-99 Running'])
    expect(told(run('a', null, null, 'Pending', { sinceMs: 3 }), undefined, 99)).toEqual([])
    expect(told(run('a', null, 7, 'TriggerFailed'), undefined, 99)).toEqual([])
  })
  it.each(['Paused', 'Queued', 'Retrying', 'Scheduled', 'Resume', 'Submitted'])('is its waiting, in %s', (state) => {
    expect(told(run('a', null, null, state, { sinceMs: 3 }), undefined, 99)).toEqual([`(3-99 ${state})`])
  })
  it('is its first attempt and the waiting for the second', () => {
    const waiting = run('a', 5, null, 'Retrying', { sinceMs: 8 })
    expect(told(waiting, undefined, 99)).toEqual(['5-8 Failed', '(8-99 Retrying)'])
  })
})

describe('partsOf a run with a history', () => {
  it('tells attempts that failed from the one that went well, and both from waiting', () => {
    const history = steps(
      [0, 'Pending'],
      [5, 'Running'],
      [9, 'Failed'],
      [9, 'Retrying'],
      [20, 'Running'],
      [30, 'Success'],
    )
    expect(told(run('a', 5, 30), history, 99)).toEqual(['5-9 Failed', '(9-20 Retrying)', '20-30 Success'])
    const timedOut = steps([5, 'Running'], [9, 'TimedOut'], [12, 'Pending'], [20, 'Running'])
    expect(told(run('a', 5, null, 'Running'), timedOut, 99)).toEqual([
      '5-9 TimedOut',
      '(12-20 Pending)',
      '20-99 Running',
    ])
  })
  it('tells waiting before the start, as one part however often it was renewed', () => {
    const history = steps([0, 'Pending'], [2, 'Queued'], [4, 'Queued'], [6, 'Running'])
    expect(told(run('a', 6, null, 'Running'), history, 99)).toEqual(['(2-6 Queued)', '6-99 Running'])
  })
  it('ends with the run, though its last step is not known yet', () => {
    expect(told(run('a', 6, 20), steps([2, 'Queued'], [6, 'Running']), 99)).toEqual(['(2-6 Queued)', '6-20 Success'])
  })
  it('keeps the colour of work when the run waits again', () => {
    const history = steps([2, 'Running'], [6, 'Paused'])
    expect(told(run('a', 2, null, 'Paused'), history, 99)).toEqual(['2-6 Running', '(6-99 Paused)'])
  })
})

it('historiesOf keeps the states of each task run together', () => {
  const at = (id: string, ms: number, state: string) => {
    return { task_run_id: id, timestamp: new Date(ms).toISOString(), state }
  }
  const histories = historiesOf([at('x', 1, 'Pending'), at('y', 2, 'Pending'), at('x', 3, 'Running')])
  expect(histories.get('x')).toEqual(steps([1, 'Pending'], [3, 'Running']))
  expect(histories.size).toBe(2)
})

it('isHeldUp is what waits for more than the tasks before it', () => {
  expect(['Pending', 'Running', 'Cancelling', 'Success', 'Failed'].filter(isHeldUp)).toEqual([])
  expect(isHeldUp(null)).toBe(false)
})

describe('extentsOf', () => {
  it('reach over the run of a task and over its children', () => {
    expect(extentsOf(states, new Map()).get('b')).toEqual({ fromMs: 110, toMs: 480 })
    expect(extentsOf(states, new Map()).has('e')).toBe(false)
  })
  it('begin with waiting, and have no end while something runs or waits', () => {
    const made = statesByTask(tasks, [
      run('a', 10, 20),
      run('b', 20, 30, 'Mapped'),
      run('b', null, null, 'Queued', { index: 0, sinceMs: 25 }),
    ])
    const histories = new Map([['a-1', steps([1, 'Pending'], [4, 'Queued'], [10, 'Running'], [20, 'Success'])]])
    expect([...extentsOf(made, histories)]).toEqual([
      ['a', { fromMs: 4, toMs: 20 }],
      ['b', { fromMs: 20, toMs: null }],
    ])
  })
})
