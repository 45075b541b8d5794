/** Views: filters under a name. Some are given; a browser keeps its own, and the address of one can be sent to anybody. */

export interface View {
  name: string
  query: Record<string, string>
}

export const GIVEN: readonly View[] = [
  { name: 'All', query: {} },
  { name: 'Failed today', query: { states: 'Failed', period: '24h' } },
  { name: 'Running', query: { states: 'Running' } },
  { name: 'Late', query: { late: '1', up: '1' } },
  { name: 'Planned', query: { states: 'Waiting', up: '1' } },
]

/** The view whose filters are those of an address; pages do not count. */
export function viewOf(views: readonly View[], query: Readonly<Record<string, unknown>>): View | null {
  const own = sorted(query)
  return views.find((view) => sorted(view.query) === own) ?? null
}

function sorted(query: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(query).filter(([name]) => name !== 'page')
  return JSON.stringify(parts.sort(([one], [other]) => (one < other ? -1 : 1)))
}

/** What a browser has kept; whatever else stands there is no view. */
export function readViews(stored: string | null): View[] {
  try {
    const found: unknown = JSON.parse(stored ?? '[]')
    return Array.isArray(found) ? found.filter(isView).slice(0, 50) : []
  } catch {
    return []
  }
}

function isView(value: unknown): value is View {
  if (typeof value !== 'object' || value === null || !('name' in value) || !('query' in value)) return false
  const { name, query } = value
  return (
    typeof name === 'string' &&
    typeof query === 'object' &&
    query !== null &&
    Object.values(query).every((each) => typeof each === 'string')
  )
}

/** The views with one more; a view of the same name is replaced. */
export function withView(views: readonly View[], view: View): View[] {
  return [...views.filter(({ name }) => name !== view.name), view]
}
