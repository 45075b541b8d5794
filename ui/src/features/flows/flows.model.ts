/** The list of flows: what the filters ask, and what the last runs of a flow say about it. */
import type { FlowBoolExp, FlowListResult, FlowOrderBy, FlowRecordsResult } from '@/generated/flows'
import type { Sort } from '@/shared/components/table'
import { labelsIn } from '@/shared/format/labels.model'
import { containing } from '@/shared/format/pattern.model'
import { scheduleWords } from '@/shared/format/schedule.model'
import { instantMs } from '@/shared/format/time.model'
import { isA } from '@/shared/state/states.model'
import { choice, flag, id, list, text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 25
/** How many runs a flow is judged by. */
export const TICKS = 16
/** Of how many flows the order by next run or by success is worked out: the API has no such order. */
export const RANKED = 1000

export const QUERY = {
  q: text(),
  project: id(),
  schedule: choice(['any', 'on', 'off', 'none'], 'any'),
  label: list(),
  archived: flag(),
  sort: choice(['name', 'next', 'success', 'registered'], 'name'),
  down: flag(),
  page: whole(1, 1, 100_000),
}

export type Filters = Values<typeof QUERY>
export type FlowRow = FlowListResult['flow'][number]
export type Run = NonNullable<FlowRow['flow_group']>['flows'][number]['flow_runs'][number]
export type BulkKind = 'run' | 'resume' | 'pause' | 'archive' | 'unarchive'

const HAS_SCHEDULE: FlowBoolExp = {
  _or: [{ schedule: { _is_null: false } }, { flow_group: { schedule: { _is_null: false } } }],
}

/** The condition that filters amount to: current flows, or those of which no version is current. */
export function whereOf(filters: Filters): { _and: FlowBoolExp[] } {
  const parts: FlowBoolExp[] = filters.archived
    ? [{ archived: { _eq: true } }, { _not: { flow_group: { flows: { archived: { _eq: false } } } } }]
    : [{ archived: { _eq: false } }]
  if (filters.q.trim() !== '') {
    const pattern = containing(filters.q)
    parts.push({ _or: [{ name: { _ilike: pattern } }, { project: { name: { _ilike: pattern } } }] })
  }
  if (filters.project !== null) parts.push({ project_id: { _eq: filters.project } })
  if (filters.schedule === 'none') parts.push({ _not: HAS_SCHEDULE })
  else if (filters.schedule !== 'any')
    parts.push(HAS_SCHEDULE, { is_schedule_active: { _eq: filters.schedule === 'on' } })
  if (filters.label.length > 0) parts.push({ _or: filters.label.flatMap(labelled) })
  return { _and: parts }
}

/** The conditions that a flow whose runs get a label meets one of: as `labelsOf`, those of the group come first. */
function labelled(label: string): FlowBoolExp[] {
  const holds = { _contains: { labels: [label] } }
  return [
    { flow_group: { labels: { _contains: [label] } } },
    { flow_group: { labels: { _is_null: true } }, _or: [{ run_config: holds }, { environment: holds }] },
  ]
}

/** The order; archived flows show the newest version of each, for which the group must come first. */
export function orderOf(filters: Filters): FlowOrderBy[] {
  if (filters.archived) return [{ flow_group_id: 'asc' }, { version: 'desc' }]
  const direction = filters.down ? 'desc' : 'asc'
  if (filters.sort === 'registered') return [{ created: direction }, { id: 'asc' }]
  return [{ name: direction }, { id: 'asc' }]
}

/** What the order is worked out by where the API cannot: null where it can. */
export function rankingOf({ archived, sort }: Filters): 'next' | 'success' | null {
  return !archived && (sort === 'next' || sort === 'success') ? sort : null
}

/** The ids of flows with the soonest next run first; those without one are last, whichever way. */
export function rankedByNext(flows: readonly { id: string; next: FlowRow['next'] }[], isDown: boolean): string[] {
  return ranked(flows, isDown, ({ next }) => instantMs(next[0]?.scheduled_start_time ?? null))
}

/** The ids of flows with the worst record first; those of which no run has ended are last, whichever way. */
export function rankedBySuccess(flows: FlowRecordsResult['flow'], isDown: boolean): string[] {
  return ranked(flows, isDown, (flow) => {
    const { good, ended } = recordOf(lastRuns(flow))
    return ended === 0 ? null : good / ended
  })
}

function ranked<Flow extends { id: string }>(
  flows: readonly Flow[],
  isDown: boolean,
  valueOf: (flow: Flow) => number | null,
): string[] {
  const valued = flows.map((flow) => ({ id: flow.id, value: valueOf(flow) }))
  const known = valued.filter((each): each is { id: string; value: number } => each.value !== null)
  known.sort((one, other) => (isDown ? other.value - one.value : one.value - other.value))
  return [...known, ...valued.filter(({ value }) => value === null)].map(({ id }) => id)
}

/** The sign that the table shows at its heads. */
export function sortOf(filters: Filters): Sort | null {
  return filters.archived ? null : { key: filters.sort, isDown: filters.down }
}

/** The last runs of a flow, whatever its version then, the oldest first. */
export function lastRuns<R extends { scheduled_start_time: string | null }>(flow: {
  flow_group: { flows: readonly { flow_runs: readonly R[] }[] } | null
}): R[] {
  const runs = flow.flow_group?.flows.flatMap((version) => version.flow_runs) ?? []
  return runs
    .toSorted((one, other) => (other.scheduled_start_time ?? '').localeCompare(one.scheduled_start_time ?? ''))
    .slice(0, TICKS)
    .toReversed()
}

/** As much of a run as its record needs. */
type Ended = Pick<Run, 'state' | 'start_time' | 'end_time'>

export interface Record {
  good: number
  ended: number
  /** How long it takes: the median of those that succeeded. */
  typicalMs: number | null
  lastsMs: number[]
}

/** What the last runs say. Cancelled runs count for neither side. */
export function recordOf(runs: readonly Ended[]): Record {
  const ended = runs.filter(({ state }) => isA(state ?? '', 'Finished') && state !== 'Cancelled' && state !== 'Skipped')
  const good = ended.filter(({ state }) => isA(state ?? '', 'Success'))
  const lastsMs = good.map(lasted).filter((ms) => ms !== null)
  const sorted = lastsMs.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  const typicalMs = sorted.length === 0 ? null : (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { good: good.length, ended: ended.length, typicalMs, lastsMs }
}

/** How long a run took; null while it has not ended. */
export function lasted(run: Ended): number | null {
  const [start, end] = [instantMs(run.start_time), instantMs(run.end_time)]
  return start === null || end === null ? null : Math.max(0, end - start)
}

/** How tall a tick is, from 0 to 1, by how long the run took beside the longest. */
export function tallness(run: Run, runs: readonly Run[], nowMs: number): number {
  const lengthOf = (each: Run) => lasted(each) ?? nowMs - (instantMs(each.start_time) ?? nowMs)
  const most = Math.max(...runs.map(lengthOf), 1)
  // By the root: else one long run would make all others look alike.
  return 0.3 + 0.7 * Math.sqrt(Math.max(0, lengthOf(run)) / most)
}

/** The schedule that counts for a flow, in words, and whether runs are made by it. */
export function scheduleOf(flow: FlowRow): { words: string; isActive: boolean } | null {
  const words = scheduleWords(flow.flow_group?.schedule ?? flow.schedule)
  return words === null ? null : { words, isActive: flow.is_schedule_active && !flow.archived }
}

/** The labels that a run of a flow gets if nobody says otherwise. */
export function labelsOf(flow: FlowRow): string[] {
  const own = flow.flow_group?.labels ?? labelsIn(flow.run_config) ?? labelsIn(flow.environment) ?? []
  return Array.isArray(own) ? own.map(String) : []
}

/** The parameters that a run cannot do without, and that nothing gives. */
export function neededParameters(flow: FlowRow): string[] {
  const given = flow.flow_group?.default_parameters
  const known = typeof given === 'object' && given !== null && !Array.isArray(given) ? given : {}
  const parameters = Array.isArray(flow.parameters) ? flow.parameters : []
  return parameters.flatMap((each) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return []
    return each.required === true && typeof each.name === 'string' && !Object.hasOwn(known, each.name)
      ? [each.name]
      : []
  })
}

/** Whether a change means something for a flow as it is. */
export function canDo(kind: BulkKind, flow: FlowRow): boolean {
  if (kind === 'unarchive') return flow.archived
  if (flow.archived) return false
  if (kind === 'run') return neededParameters(flow).length === 0
  if (kind === 'archive') return true
  const schedule = scheduleOf(flow)
  return schedule !== null && schedule.isActive === (kind === 'pause')
}

/** What each change is called, and what has been done then. */
export const BULK: { [Kind in BulkKind]: { name: string; done: string } } = {
  run: { name: 'Run now', done: 'will run' },
  pause: { name: 'Pause schedules', done: 'will not run by schedule' },
  resume: { name: 'Resume schedules', done: 'run by schedule again' },
  archive: { name: 'Archive', done: 'archived' },
  unarchive: { name: 'Bring back', done: 'current again' },
}
