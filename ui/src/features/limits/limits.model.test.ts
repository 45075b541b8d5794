import { expect, test } from 'vitest'
import { fill, limitsOf, readSlots } from './limits.model'

const count = (value: number) => ({ aggregate: { count: value } })

test('limits of both kinds stand in one list, those that others wait for first', () => {
  const run = { id: 'r', name: 'brisk-otter', state: 'Running' }
  const limits = limitsOf({
    flow_concurrency_limit: [
      {
        id: '1',
        name: 'gpu',
        limit: 2,
        counts_submitted: true,
        slots: [{ id: 's', created: '2026-03-02T12:00:00Z', flow_run: run }],
        slots_aggregate: count(1),
        waiters_aggregate: count(0),
      },
    ],
    task_concurrency_limit: [
      {
        id: '2',
        name: 'db',
        limit: 1,
        slots: [
          {
            id: 't',
            created: '2026-03-02T12:00:00Z',
            task_run: { id: 'x', name: null, state: 'Running', task: { name: 'load' }, flow_run: run },
          },
        ],
        slots_aggregate: count(1),
        waiters_aggregate: count(7),
      },
      {
        id: '3',
        name: 'api',
        limit: 5,
        slots: [],
        slots_aggregate: count(0),
        waiters_aggregate: count(0),
      },
    ],
  })
  expect(limits.map(({ name, kind, taken, waiting }) => [name, kind, taken, waiting])).toEqual([
    ['db', 'task', 1, 7],
    ['gpu', 'flow', 1, 0],
    ['api', 'task', 0, 0],
  ])
  expect(limits[0]!.holders[0]).toMatchObject({ name: 'load', within: 'brisk-otter', to: '/task-run/x' })
  expect(limits[1]!.holders[0]).toMatchObject({ name: 'brisk-otter', to: '/flow-run/r' })
})

test('a limit of none is full, and one that was lowered is not more than full', () => {
  expect(fill({ slots: 0, taken: 0 })).toBe(1)
  expect(fill({ slots: 2, taken: 5 })).toBe(1)
  expect(fill({ slots: 4, taken: 1 })).toBe(0.25)
})

test('slots are whole numbers from none to a million', () => {
  expect(['0', ' 12 ', 7, '1000000'].map(readSlots)).toEqual([0, 12, 7, 1_000_000])
  expect(['', '-1', '1.5', 'x', '1000001'].map(readSlots)).toEqual([null, null, null, null, null])
})
