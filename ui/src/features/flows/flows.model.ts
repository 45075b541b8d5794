/** The list of flows: what the filters ask, and what the last runs of a flow say about it. */
import type { FlowBoolExp, FlowListResult, FlowOrderBy } from '@/generated/flows'
import type { Sort } from '@/shared/components/table'
import { labelsIn } from '@/shared/format/labels.model'
import { containing } from '@/shared/format/pattern.model'
import { scheduleWords } from '@/shared/format/schedule.model'
import { instantMs } from '@/shared/format/time.model'
import { isA } from '@/shared/state/states.model'
import { choice, flag, id, text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 25
/** How many runs a flow is judged by. */
export const TICKS = 16

export const QUERY = {
  q: text(),
  project: id(),
  schedule: choice(['any', 'on', 'off', 'none'], 'any'),
  archived: flag(),
  sort: choice(['name', 'registered'], 'name'),
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
  return { _and: parts }
}

/** The order; archived flows show the newest version of each, for which the group must come first. */
export function orderOf(filters: Filters): FlowOrderBy[] {
  if (filters.archived) return [{ flow_group_id: 'asc' }, { version: 'desc' }]
  const direction = filters.down ? 'desc' : 'asc'
  if (filters.sort === 'registered') return [{ created: direction }, { id: 'asc' }]
  return [{ name: direction }, { id: 'asc' }]
}

/** The sign that the table shows at its heads. */
export function sortOf(filters: Filters): Sort | null {
  return filters.archived ? null : { key: filters.sort, isDown: filters.down }
}

/** The last runs of a flow, whatever its version then, the oldest first. */
export function lastRuns(flow: FlowRow): Run[] {
  const runs = flow.flow_group?.flows.flatMap((version) => version.flow_runs) ?? []
  return runs
    .toSorted((one, other) => (other.scheduled_start_time ?? '').localeCompare(one.scheduled_start_time ?? ''))
    .slice(0, TICKS)
    .toReversed()
}

export interface Record {
  good: number
  ended: number
  /** How long it takes: the median of those that succeeded. */
  typicalMs: number | null
  lastsMs: number[]
}

/** What the last runs say. Cancelled runs count for neither side. */
export function recordOf(runs: readonly Run[]): Record {
  const ended = runs.filter(({ state }) => isA(state ?? '', 'Finished') && state !== 'Cancelled' && state !== 'Skipped')
  const good = ended.filter(({ state }) => isA(state ?? '', 'Success'))
  const lastsMs = good.map(lasted).filter((ms) => ms !== null)
  const sorted = lastsMs.toSorted((one, other) => one - other)
  const middle = (sorted.length - 1) / 2
  const typicalMs = sorted.length === 0 ? null : (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { good: good.length, ended: ended.length, typicalMs, lastsMs }
}

/** How long a run took; null while it has not ended. */
export function lasted(run: Run): number | null {
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
