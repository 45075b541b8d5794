import { describe, expect, it } from 'vitest'
import { fits, found, foundById, idOf, patternOf } from './palette.model'

const ID = '01a21b70-dd55-753d-a246-6c6518946d0e'

it('fits in any order', () => {
  expect(fits('Key-value store', 'store key')).toBe(true)
  expect(fits('Runs', 'flows')).toBe(false)
  expect(fits('Runs', '')).toBe(true)
})

it('finds an id in what was pasted', () => {
  expect(idOf(ID)).toBe(ID)
  expect(idOf(` http://x/default/flow-run/${ID.toUpperCase()}?tab=logs`)).toBe(ID)
  expect(idOf(ID.replaceAll('-', ''))).toBe(ID)
  expect(idOf('amber-otter')).toBeNull()
})

it('searches for signs of patterns as they are', () => expect(patternOf(' 5%_ ')).toBe('%5\\%\\_%'))

describe('what was found', () => {
  it('leads to its page', () => {
    const run = { id: 'r', name: null, state: 'Failed', scheduled_start_time: '2026-01-01', flow: { name: 'f' } }
    const offers = found({
      flow: [{ id: 'f', name: 'f', project: null }],
      flow_run: [run],
      project: [{ id: 'p', name: 'p' }],
    })
    expect(offers.map(({ to }) => to)).toEqual(['/flow/f', '/flow-run/r', '/runs?project=p'])
    expect(offers[1]).toMatchObject({ name: 'r', about: 'f', state: 'Failed' })
    expect(new Set(offers.map(({ key }) => key)).size).toBe(3)
  })
  it('by id is at most one of each kind', () => {
    const nothing = { flow_run_by_pk: null, task_run_by_pk: null, flow_by_pk: null }
    expect(foundById(nothing)).toEqual([])
    const task = { id: 't', name: null, state: 'Success', task: { name: 'load' } }
    expect(foundById({ ...nothing, task_run_by_pk: task })[0]).toMatchObject({ name: 'load', to: '/task-run/t' })
  })
})
