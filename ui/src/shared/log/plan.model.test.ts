import { describe, expect, it } from 'vitest'
import type { Line } from './lines.model'
import { anchorsOf, planOf, variablesOf } from './plan.model'

const line = (timestamp: string, message = 'x'): Line => ({
  ...{ id: timestamp, timestamp, message, level: 'INFO', name: 'prefect', task_run_id: null },
})

describe('planOf', () => {
  it('goes from the nearer end', () => {
    expect(planOf(100, 250, 1_000_000, [])).toMatchObject({ isBackward: false, offset: 100, limit: 250 })
    expect(planOf(999_000, 250, 1_000_000, [])).toMatchObject({ isBackward: true, offset: 750, limit: 250 })
    expect(planOf(999_900, 250, 1_000_000, [])).toMatchObject({ isBackward: true, offset: 0, limit: 100 })
  })
  it('goes from the nearest anchor, either way', () => {
    const anchors = [
      { index: 499_000, timestamp: 'a' },
      { index: 600_000, timestamp: 'b' },
    ]
    expect(planOf(500_000, 250, 1_000_000, anchors)).toEqual({
      ...{ timestamp: { _gte: 'a' }, isBackward: false, offset: 1000, limit: 250 },
    })
    expect(planOf(599_500, 250, 1_000_000, anchors)).toEqual({
      ...{ timestamp: { _lt: 'b' }, isBackward: true, offset: 250, limit: 250 },
    })
  })
  it('does without the number of lines', () => {
    expect(planOf(5, 250, null, [])).toEqual({ timestamp: null, isBackward: false, offset: 5, limit: 250 })
  })
})

it('anchorsOf are lines whose instant is new', () => {
  const lines = ['1', '1', '2', '2', '3', '4'].map((each) => line(each))
  expect(anchorsOf(lines, 1000)).toEqual([
    { index: 1002, timestamp: '2' },
    { index: 1005, timestamp: '4' },
  ])
  expect(anchorsOf(lines.slice(0, 2), 0)).toEqual([])
})

it('variablesOf keeps the condition, and turns the order round for a plan from behind', () => {
  const where = { flow_run_id: { _eq: 'r' } }
  const plan = { timestamp: { _lt: 'b' }, isBackward: true, offset: 3, limit: 250 }
  expect(variablesOf(where, plan)).toEqual({
    where: { ...where, timestamp: { _lt: 'b' } },
    order_by: [{ timestamp: 'desc' }, { id: 'desc' }],
    limit: 250,
    offset: 3,
  })
  expect(variablesOf(where, { ...plan, timestamp: null, isBackward: false }).where).toEqual(where)
})
