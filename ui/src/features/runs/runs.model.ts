/** What the filters of the runs page ask of the server. */
import type { FlowRunBoolExp, FlowRunOrderBy } from '@/generated/runs'
import type { Sort } from '@/shared/components/table'
import { LATE_S } from '@/shared/time/anchor.model'
import { descendants, FAMILIES, statesOf, type Family } from '@/shared/state/states.model'
import { choice, flag, list, text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 50
/** Beyond this many a list says "more than": counting all of a large database would cost more than the list. */
export const COUNTED = 10_001

export const PERIODS = ['any', '1h', '24h', '7d', '30d'] as const
const HOURS: Record<string, number> = { '1h': 1, '24h': 24, '7d': 168, '30d': 720 }

export const QUERY = {
  q: text(),
  states: list(FAMILIES),
  project: list(),
  flow: list(),
  label: list(),
  period: choice(PERIODS, 'any'),
  from: whole(0),
  to: whole(0),
  late: flag(),
  sort: choice(['scheduled', 'started', 'name'], 'scheduled'),
  up: flag(),
  page: whole(1, 1, 100_000),
}

export type Filters = Values<typeof QUERY>

/** What is due within so many seconds is no longer planned: a run that was just started stands among the others. */
export const AHEAD_S = 60

/** The present in steps of a minute, so that what is asked stays the same in between. */
export function minuteOf(nowMs: number): number {
  return Math.floor(nowMs / 60_000) * 60_000
}

/** Whether what is planned for later is left out: it is asked for by state or by span, else it would come first. */
export function isUntilNow({ states, late, from, to }: Filters): boolean {
  return !states.includes('Waiting') && !late && !(from > 0 && to > from)
}

/**
 * The condition that filters amount to, at an instant; `untilS` is where what is planned begins, in seconds since 1970.
 * `part` says which side of it is wanted, where the filters do not.
 */
export function whereOf(
  filters: Filters,
  nowMs: number,
  untilS: number,
  part: 'past' | 'planned' = 'past',
): FlowRunBoolExp {
  const parts: FlowRunBoolExp[] = []
  if (isUntilNow(filters)) {
    const until = new Date(untilS * 1000).toISOString()
    // A planned run that somebody made due has begun before its time.
    if (part === 'planned') parts.push({ scheduled_start_time: { _gte: until }, start_time: { _is_null: true } })
    else parts.push({ _or: [{ scheduled_start_time: { _lt: until } }, { start_time: { _is_null: false } }] })
  }
  const wanted = filters.q.trim()
  if (wanted !== '') {
    const pattern = `%${escaped(wanted)}%`
    parts.push({ _or: [{ name: { _ilike: pattern } }, { flow: { name: { _ilike: pattern } } }] })
  }
  if (filters.states.length > 0) {
    parts.push({ state: { _in: filters.states.flatMap((family) => statesOf(family as Family)) } })
  }
  if (filters.project.length > 0) parts.push({ flow: { project_id: { _in: filters.project } } })
  if (filters.flow.length > 0) parts.push({ flow: { flow_group_id: { _in: filters.flow } } })
  if (filters.label.length > 0) parts.push({ _or: filters.label.map((label) => ({ labels: { _contains: [label] } })) })
  if (filters.from > 0 && filters.to > filters.from) {
    const [from, to] = [filters.from, filters.to].map((seconds) => new Date(seconds * 1000).toISOString())
    parts.push({ scheduled_start_time: { _gte: from, _lt: to } })
  } else if (filters.period !== 'any') {
    const from = new Date(minuteOf(nowMs) - HOURS[filters.period]! * 3_600_000).toISOString()
    parts.push({ scheduled_start_time: { _gte: from } })
  }
  if (filters.late) {
    const due = new Date(minuteOf(nowMs) - LATE_S * 1000).toISOString()
    const states = descendants('Scheduled').filter((state) => state !== 'Paused')
    parts.push({ state: { _in: states }, state_start_time: { _lt: due } })
  }
  return parts.length === 0 ? {} : parts.length === 1 ? parts[0]! : { _and: parts }
}

/** The order that filters amount to. */
export function orderOf(filters: Filters): FlowRunOrderBy {
  const direction = filters.up ? 'asc_nulls_last' : 'desc_nulls_last'
  if (filters.sort === 'name') return { name: direction }
  return filters.sort === 'started' ? { start_time: direction } : { scheduled_start_time: filters.up ? 'asc' : 'desc' }
}

/** The sign that the table shows at its heads. */
export function sortOf(filters: Filters): Sort {
  return { key: filters.sort, isDown: !filters.up }
}

/** Text in which `%`, `_` and `\` stand for themselves in a pattern. */
export function escaped(given: string): string {
  return given.replace(/[\\%_]/g, (sign) => `\\${sign}`)
}

/** Whether anything is filtered. */
export function isFiltered({ q, states, project, flow, label, period, from, late }: Filters): boolean {
  return Boolean(
    q || states.length || project.length || flow.length || label.length || period !== 'any' || from || late,
  )
}
