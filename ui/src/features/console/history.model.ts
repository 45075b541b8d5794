/** What was run in the console before, kept in this browser. */

export interface Entry {
  query: string
  variables: string
  atMs: number
}

const KEEP = 40

/** The entries with one more in front; the same text is kept once. */
export function withEntry(entries: readonly Entry[], entry: Entry): Entry[] {
  const others = entries.filter(({ query, variables }) => query !== entry.query || variables !== entry.variables)
  return [entry, ...others].slice(0, KEEP)
}

/** What stands in storage; what is not of this form counts as nothing. */
export function readEntries(stored: string | null): Entry[] {
  try {
    const read = JSON.parse(stored ?? '[]') as unknown
    return Array.isArray(read) ? read.filter(isEntry).slice(0, KEEP) : []
  } catch {
    return []
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== 'object' || value === null) return false
  const { query, variables, atMs } = value as Record<string, unknown>
  return typeof query === 'string' && typeof variables === 'string' && typeof atMs === 'number'
}

/** An operation in a few words: its name, or how it begins. */
export function titleOf(query: string): string {
  const named = /\b(query|mutation|subscription)\s+(\w+)/.exec(query)
  return named?.[2] ?? query.replace(/\s+/g, ' ').trim().slice(0, 60)
}
