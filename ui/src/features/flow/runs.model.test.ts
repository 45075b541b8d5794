import { expect, it } from 'vitest'
import { whereOf } from './runs.model'

const chosen = { group: 'g', families: [], until: '2026-11-27T05:04:00Z' }

it('parts what has been due from what is planned at one instant', () => {
  expect(whereOf(chosen, 'past')).toEqual({
    flow: { flow_group_id: { _eq: 'g' } },
    scheduled_start_time: { _lt: '2026-11-27T05:04:00Z' },
  })
  expect(whereOf(chosen, 'planned').scheduled_start_time).toEqual({ _gte: '2026-11-27T05:04:00Z' })
})

it('asks for all states of a family', () => {
  expect(whereOf({ ...chosen, families: ['Failed'] }, 'past').state?._in).toContain('TimedOut')
})
