/** What the filters of the runs page ask of the server. */
import type { FlowRunBoolExp, FlowRunOrderBy } from '@/generated/runs'
import type { Sort } from '@/shared/components/table'
import { containing } from '@/shared/format/pattern.model'
import { FAMILIES, statesOf, type Family } from '@/shared/state/states.model'
import { choice, flag, list, text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 50

export const QUERY = {
  q: text(),
  states: list(FAMILIES),
  sort: choice(['scheduled', 'started', 'name'], 'scheduled'),
  up: flag(),
  page: whole(1, 1, 100_000),
}

export type Filters = Values<typeof QUERY>

/** The condition that filters amount to. */
export function whereOf(filters: Filters): FlowRunBoolExp {
  const where: FlowRunBoolExp = {}
  if (filters.q.trim() !== '') {
    const pattern = containing(filters.q)
    where._or = [{ name: { _ilike: pattern } }, { flow: { name: { _ilike: pattern } } }]
  }
  if (filters.states.length > 0) where.state = { _in: filters.states.flatMap((family) => statesOf(family as Family)) }
  return where
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
