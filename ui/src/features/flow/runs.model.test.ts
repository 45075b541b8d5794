import { expect, it } from 'vitest'
import { whereOf } from './runs.model'

const chosen = { group: 'g', families: [], until: '2026-11-27T05:04:00Z' }

it('parts what has been due, or has begun before its time, from what is planned', () => {
  expect(whereOf(chosen, 'past')).toEqual({
    flow: { flow_group_id: { _eq: 'g' } },
    _or: [{ scheduled_start_time: { _lt: '2026-11-27T05:04:00Z' } }, { start_time: { _is_null: false } }],
  })
  expect(whereOf(chosen, 'planned')).toEqual({
    flow: { flow_group_id: { _eq: 'g' } },
    scheduled_start_time: { _gte: '2026-11-27T05:04:00Z' },
    start_time: { _is_null: true },
  })
})

it('asks for all states of a family', () => {
  expect(whereOf({ ...chosen, families: ['Failed'] }, 'past').state?._in).toContain('TimedOut')
})
