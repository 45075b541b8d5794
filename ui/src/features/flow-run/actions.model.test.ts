import { describe, expect, it } from 'vitest'
import { actionsFor, stateDocument } from './actions.model'

const keys = (state: string | null) => actionsFor(state).more.map(({ key }) => key)

describe('actionsFor', () => {
  it.each([
    ['Running', 'cancel'],
    ['Submitted', 'cancel'],
    ['Queued', 'cancel'],
    ['Scheduled', 'run-now'],
    ['Paused', 'resume'],
    ['Failed', 'restart'],
    ['Cancelled', 'restart'],
    ['Success', null],
    ['Cancelling', null],
  ])('offers first what is wanted most when a run is %s', (state, first) => {
    expect(actionsFor(state).first).toBe(first)
  })
  it('offers nothing twice, and nothing that cannot be', () => {
    expect(keys('Failed')).not.toContain('restart')
    expect(keys('Failed')).toContain('restart-task')
    expect(keys('Success')).not.toContain('cancel')
    expect(keys('Running')).not.toContain('restart-task')
    expect(keys('Scheduled')).toContain('cancel')
    expect(keys('Cancelling')).not.toContain('cancel')
  })
})

it('a state that is scheduled has a start time', () => {
  expect(stateDocument('Failed', 'x')).toEqual({ type: 'Failed', message: 'x' })
  expect(stateDocument('Scheduled', 'x')).toHaveProperty('start_time')
})
