import { describe, expect, it } from 'vitest'
import type { DashboardResult, Run } from '@/generated/dashboard'
import { anchorOf } from '@/shared/time/anchor.model'
import { readQuery } from '@/shared/url/query.model'
import {
  causeOf,
  dueAt,
  firstLine,
  healthOf,
  heldUp,
  isDue,
  isLate,
  QUERY,
  runsOf,
  variablesOf,
  waitingFor,
} from './dashboard.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 9)
const SPAN = { startS: 1_795_700_000, endS: 1_795_760_000, buckets: 60, isLive: true }
const none = readQuery(QUERY, {})
const RUN: Run = {
  id: 'r',
  name: 'amber-otter',
  state: 'Scheduled',
  state_message: null,
  scheduled_start_time: '2026-11-27T05:00:00.000000+00:00',
  state_start_time: '2026-11-27T05:00:00.000000+00:00',
  start_time: null,
  end_time: null,
  flow: null,
}

describe('variablesOf', () => {
  it('bounds every list of the past by the span', () => {
    const { failed, started } = variablesOf(none, SPAN, anchorOf(NOW))
    const bounds = { _gte: '2026-11-26T13:33:20.000Z', _lt: '2026-11-27T06:13:20.000Z' }
    expect(failed.scheduled_start_time).toEqual(bounds)
    expect(started.start_time).toEqual(bounds)
  })
  it('plans nothing that waits for a person, however far ahead its start is', () => {
    const { due, paused, planned } = variablesOf(none, SPAN, 0)
    expect(planned.state?._in).not.toContain('Paused')
    expect(planned.state?._in).toContain('Scheduled')
    expect(due.state).toEqual(planned.state)
    expect(paused).toEqual({ state: { _eq: 'Paused' } })
  })
  it('narrows every list alike', () => {
    const { project_ids, labels, ...given } = variablesOf({ ...none, project: ['p'], label: ['a', 'b'] }, SPAN, 0)
    for (const where of [given.failed, given.due, given.paused, given.planned, given.running, given.started]) {
      expect(where.flow).toEqual({ project_id: { _in: ['p'] } })
      expect(where._or).toEqual([{ labels: { _contains: ['a'] } }, { labels: { _contains: ['b'] } }])
    }
    expect([project_ids, labels]).toEqual([['p'], ['a', 'b']])
  })
})

describe('causeOf', () => {
  const failed = (more: Partial<DashboardResult['failed'][number]>) => ({ ...RUN, task_runs: [], ...more })
  it('is what the first failed task says', () => {
    const task_runs = [{ id: 't', map_index: 3, state_message: '\n KeyError: 1\nmore', task: { name: 'load' } }]
    expect(causeOf(failed({ task_runs, state_message: 'Some reference tasks failed.' }))).toEqual({
      task: 'load [3]',
      line: 'KeyError: 1',
    })
  })
  it('is what the run says where no task has failed', () => {
    expect(causeOf(failed({ state_message: 'No heartbeat.' }))).toEqual({ task: null, line: 'No heartbeat.' })
    expect(causeOf(failed({})).line).toBe('It left no message.')
  })
})

it('firstLine is bounded and skips empty lines', () => {
  expect(firstLine('\n\n x \ny')).toBe('x')
  expect(firstLine('   ')).toBeNull()
  expect(firstLine('x'.repeat(9999))).toHaveLength(400)
})

describe('waiting', () => {
  it('of a paused run is since it was to start, not until its pause ends', () => {
    const ahead = { ...RUN, state_start_time: '2036-11-27T05:00:00Z' }
    expect(dueAt({ ...ahead, state: 'Paused' })).toBe(RUN.scheduled_start_time)
    expect(dueAt(ahead)).toBe(ahead.state_start_time)
    expect(heldUp({ paused: [1], due: [2, 3, 4, 5, 6, 7, 8, 9] })).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
  it('tells late from planned, and both from what waits for somebody', () => {
    expect(isLate(RUN, NOW)).toBe(true)
    expect(isLate({ ...RUN, state: 'Paused' }, NOW)).toBe(false)
    expect(isLate({ ...RUN, state_start_time: '2026-11-27T05:04:08Z' }, NOW)).toBe(false)
    expect(waitingFor(RUN, NOW)).toBe('No agent has taken it yet')
    expect(waitingFor({ ...RUN, state: 'Paused' }, NOW)).toBe('Waits for approval')
    expect(waitingFor({ ...RUN, state: 'Queued', state_message: 'Limit etl is full' }, NOW)).toBe('Limit etl is full')
  })
})

it('agents are as well as they were last heard of', () => {
  expect(healthOf('2026-11-27T05:04:00Z', NOW)).toBe('well')
  expect(healthOf('2026-11-27T05:00:00Z', NOW)).toBe('quiet')
  expect(healthOf('2026-11-26T05:00:00Z', NOW)).toBe('gone')
  expect(healthOf(null, NOW)).toBe('gone')
})

it('tells what is due from what is planned', () => {
  expect(isDue(RUN, NOW)).toBe(true)
  expect(isDue({ ...RUN, state_start_time: '2026-11-27T05:04:10Z' }, NOW)).toBe(false)
})

it('leads to the runs that its filters mean, whatever signs are in them', () => {
  const filters = { ...none, project: ['p'], label: ['a,b', 'c'] }
  expect(runsOf(filters, { states: 'Failed' })).toEqual({
    path: '/runs',
    query: { states: 'Failed', project: 'p', label: 'a%2Cb,c' },
  })
})
