import { describe, expect, it } from 'vitest'
import { approvalsOf, headingOf, isAsPlanned, plannedFor, reasonsToShow, type Reason } from './reasons.model'

const reason = (code: string, detail: Reason['detail'] = {}): Reason => ({ code, text: code, hint: null, detail })
const codes = (...given: string[]) =>
  reasonsToShow({ code: given[0]!, reasons: given.map((code) => reason(code)) }).map(({ code }) => code)

describe('reasonsToShow', () => {
  it('is all of what holds a waiting run', () => {
    expect(codes('NO_AGENT', 'QUEUE_PAUSED')).toEqual(['NO_AGENT', 'QUEUE_PAUSED'])
  })
  it('is what holds up part of a run at work, and nothing of what is in order', () => {
    expect(codes('RUNNING', 'WAITS_FOR_TASK', 'WAITS_FOR_APPROVAL')).toEqual(['WAITS_FOR_APPROVAL'])
    expect(codes('RUNNING')).toEqual([])
  })
  it('is nothing once it has ended, or before it is known', () => {
    expect(codes('FINISHED')).toEqual([])
    expect(reasonsToShow(null)).toEqual([])
    expect(reasonsToShow(undefined)).toEqual([])
  })
})

it('headingOf tells a run that goes on from one that waits', () => {
  expect(headingOf('Running')).toBe('What holds it up')
  expect(headingOf('Paused')).toBe('Why it is not running')
  expect(headingOf(null)).toBe('Why it is not running')
})

it('tells what is planned from what is held up', () => {
  const planned = reason('SCHEDULED_LATER', { start_time: '2026-11-27T13:26:44Z' })
  expect(plannedFor(planned)).toBe('2026-11-27T13:26:44Z')
  expect(plannedFor(reason('RETRIES_LATER', { start_time: '2026-11-27T13:26:44Z' }))).toBeNull()
  expect(plannedFor(reason('SCHEDULED_LATER', null))).toBeNull()
  expect(isAsPlanned([planned])).toBe(true)
  expect(isAsPlanned([planned, reason('NO_AGENT')])).toBe(false)
  expect(isAsPlanned([])).toBe(false)
})

describe('approvalsOf', () => {
  it('is the task runs that wait for somebody', () => {
    const detail: Reason['detail'] = { task_runs: [{ id: '1', name: 'release', state: 'Paused' }, { id: 2 }, null] }
    expect(approvalsOf(reason('WAITS_FOR_APPROVAL', detail))).toEqual([{ id: '1', name: 'release' }])
  })
  it('is empty for other reasons', () => {
    expect(approvalsOf(reason('NO_AGENT', { task_runs: [{ id: '1', name: 'x' }] }))).toEqual([])
    expect(approvalsOf(reason('WAITS_FOR_APPROVAL', null))).toEqual([])
  })
})
