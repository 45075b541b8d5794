import { describe, expect, it } from 'vitest'
import { readQuery } from '@/shared/url/query.model'
import {
  canDo,
  labelsOf,
  lastRuns,
  neededParameters,
  orderOf,
  QUERY,
  rankedByNext,
  rankedBySuccess,
  rankingOf,
  recordOf,
  scheduleOf,
  tallness,
  TICKS,
  whereOf,
  type FlowRow,
  type Run,
} from './flows.model'

const none = readQuery(QUERY, {})

function run(minute: number, state: string, tookS: number | null = 60): Run {
  const start = Date.UTC(2026, 0, 1, 0, minute)
  return {
    id: `run-${minute}`,
    name: `run ${minute}`,
    state,
    scheduled_start_time: new Date(start).toISOString(),
    start_time: new Date(start).toISOString(),
    end_time: tookS === null ? null : new Date(start + tookS * 1000).toISOString(),
  }
}

function flow(changes: Partial<FlowRow> = {}): FlowRow {
  return {
    id: 'f',
    name: 'load',
    version: 2,
    created: '2026-01-01T00:00:00Z',
    archived: false,
    parameters: [],
    schedule: null,
    is_schedule_active: true,
    run_config: null,
    environment: null,
    project: null,
    flow_group: { id: 'g', labels: null, schedule: null, default_parameters: {}, flows: [] },
    next: [],
    ...changes,
  }
}

const DAILY = { clocks: [{ type: 'CronClock', cron: '0 6 * * *' }] }

describe('whereOf', () => {
  it('asks for current flows, and for archived ones of which no version is current', () => {
    expect(whereOf(none)).toEqual({ _and: [{ archived: { _eq: false } }] })
    expect(whereOf({ ...none, archived: true })._and[1]).toEqual({
      _not: { flow_group: { flows: { archived: { _eq: false } } } },
    })
  })
  it('finds schedules of the group and of the flow', () => {
    expect(whereOf({ ...none, schedule: 'off' })._and.slice(1)).toEqual([
      { _or: [{ schedule: { _is_null: false } }, { flow_group: { schedule: { _is_null: false } } }] },
      { is_schedule_active: { _eq: false } },
    ])
    expect(whereOf({ ...none, schedule: 'none' })._and[1]).toHaveProperty('_not')
  })
  it('takes signs of patterns as they are', () => {
    const pattern = { _ilike: '%50\\%%' }
    expect(whereOf({ ...none, q: ' 50% ' })._and[1]).toEqual({
      _or: [{ name: pattern }, { project: { name: pattern } }],
    })
  })
})

it('finds the labels that runs get: of the group, else of the flow', () => {
  const holds = { _contains: { labels: ['a'] } }
  expect(whereOf({ ...none, label: ['a'] })._and[1]).toEqual({
    _or: [
      { flow_group: { labels: { _contains: ['a'] } } },
      { flow_group: { labels: { _is_null: true } }, _or: [{ run_config: holds }, { environment: holds }] },
    ],
  })
})

describe('what the API cannot order by', () => {
  const at = (hour: number) => [{ id: 'r', scheduled_start_time: new Date(Date.UTC(2026, 0, 1, hour)).toISOString() }]
  it('is worked out for current flows alone', () => {
    expect(rankingOf({ ...none, sort: 'next' })).toBe('next')
    expect(rankingOf({ ...none, sort: 'success', archived: true })).toBeNull()
    expect(rankingOf(none)).toBeNull()
  })
  it('puts the soonest first, and flows that nothing is planned for last', () => {
    const flows = [
      { id: 'never', next: [] },
      { id: 'late', next: at(9) },
      { id: 'soon', next: at(1) },
    ]
    expect(rankedByNext(flows, false)).toEqual(['soon', 'late', 'never'])
    expect(rankedByNext(flows, true)).toEqual(['late', 'soon', 'never'])
  })
  it('puts the worst first, and flows that have no record last', () => {
    const withRuns = (id: string, ...runs: Run[]) => ({ id, flow_group: { flows: [{ flow_runs: runs }] } })
    const flows = [
      withRuns('new'),
      withRuns('good', run(1, 'Success')),
      withRuns('bad', run(1, 'Failed'), run(2, 'Failed')),
      withRuns('half', run(1, 'Success'), run(2, 'Failed')),
    ]
    expect(rankedBySuccess(flows, false)).toEqual(['bad', 'half', 'good', 'new'])
    expect(rankedBySuccess(flows, true)).toEqual(['good', 'half', 'bad', 'new'])
  })
})

it('orders so that pages do not overlap', () => {
  expect(orderOf({ ...none, down: true })).toEqual([{ name: 'desc' }, { id: 'asc' }])
  expect(orderOf({ ...none, archived: true })[0]).toEqual({ flow_group_id: 'asc' })
})

it('joins the runs of versions in the order of time, the newest last, and no more than are drawn', () => {
  const many = Array.from({ length: TICKS }, (_, index) => run(index, 'Success')).reverse()
  const versions = [
    { id: 'b', flow_runs: [run(99, 'Failed')] },
    { id: 'a', flow_runs: many },
  ]
  const made = lastRuns(flow({ flow_group: { ...flow().flow_group!, flows: versions } }))
  expect(made).toHaveLength(TICKS)
  expect(made.at(-1)?.id).toBe('run-99')
  expect(made[0]?.id).toBe('run-1')
})

describe('recordOf', () => {
  it('counts what ended in success among what succeeded or failed', () => {
    const runs = [run(1, 'Success', 10), run(2, 'Failed', 500), run(3, 'Cancelled', 5), run(4, 'Running', null)]
    expect(recordOf([...runs, run(5, 'Success', 30)])).toMatchObject({ good: 2, ended: 3, typicalMs: 20_000 })
  })
  it('says nothing where nothing has ended', () => {
    expect(recordOf([run(1, 'Running', null)])).toMatchObject({ ended: 0, typicalMs: null })
  })
})

it('draws longer runs taller, and none out of bounds', () => {
  const runs = [run(1, 'Success', 1), run(2, 'Success', 100), run(3, 'Running', null)]
  const heights = runs.map((each) => tallness(each, runs, Date.UTC(2026, 0, 1, 0, 3, 50)))
  expect(heights[1]).toBe(1)
  expect(heights[0]).toBeLessThan(heights[2]!)
  expect(Math.min(...heights)).toBeGreaterThanOrEqual(0.3)
})

it('takes the schedule and the labels of the group before those of the flow', () => {
  const own = flow({ schedule: DAILY, run_config: { labels: ['own'] } })
  expect(scheduleOf(own)).toEqual({ words: 'Daily at 06:00 UTC', isActive: true })
  expect(labelsOf(own)).toEqual(['own'])
  const group = { ...own.flow_group!, schedule: { clocks: [{ interval: 3_600_000_000 }] }, labels: [] }
  expect(scheduleOf({ ...own, flow_group: group })?.words).toBe('Every hour')
  expect(labelsOf({ ...own, flow_group: group })).toEqual([])
  expect(scheduleOf({ ...own, archived: true })?.isActive).toBe(false)
  expect(scheduleOf(flow())).toBeNull()
})

it('offers only what means something', () => {
  const needy = flow({
    parameters: [
      { name: 'day', required: true },
      { name: 'x', required: false },
    ],
  })
  expect(neededParameters(needy)).toEqual(['day'])
  expect(canDo('run', needy)).toBe(false)
  const given = { ...needy, flow_group: { ...needy.flow_group!, default_parameters: { day: 1 } } }
  expect(canDo('run', given)).toBe(true)
  expect(canDo('pause', flow())).toBe(false)
  expect(canDo('pause', flow({ schedule: DAILY }))).toBe(true)
  expect(canDo('resume', flow({ schedule: DAILY, is_schedule_active: false }))).toBe(true)
  expect(
    ['run', 'pause', 'archive', 'unarchive'].map((kind) => canDo(kind as 'run', flow({ archived: true }))),
  ).toEqual([false, false, false, true])
})
