/** What an artifact is: somebody else wrote it, so a link is one only if it leads to a web page. */
import type { Json } from '@/shared/graphql/document'

export type Artifact =
  | { kind: 'link'; href: string }
  | { kind: 'markdown'; text: string }
  | { kind: 'table'; columns: string[]; rows: string[][]; more: number }
  | { kind: 'progress'; percent: number; text: string }
  | { kind: 'other'; value: Json }

/** A table beyond this is cut: it is there to be read. */
const ROWS_MAX = 200
const COLUMNS_MAX = 40

/** Reads the document of an artifact. */
export function artifactOf(kind: string, data: Json): Artifact {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
    if (kind === 'link' && typeof data.link === 'string' && isWebAddress(data.link))
      return { kind: 'link', href: data.link }
    if (kind === 'markdown' && typeof data.markdown === 'string') return { kind: 'markdown', text: data.markdown }
    if (kind === 'table') return tableOf(data.table) ?? { kind: 'other', value: data }
    const { progress, description } = data
    if (kind === 'progress' && typeof progress === 'number' && progress >= 0 && progress <= 100)
      return { kind: 'progress', percent: progress, text: typeof description === 'string' ? description : '' }
  }
  return { kind: 'other', value: data }
}

function tableOf(given: Json | undefined): Artifact | null {
  if (!Array.isArray(given) || given.length === 0) return null
  const columns = new Set<string>()
  const rows: { [name: string]: Json }[] = []
  for (const row of given.slice(0, ROWS_MAX)) {
    if (typeof row !== 'object' || row === null || Array.isArray(row)) return null
    rows.push(row)
    for (const name of Object.keys(row)) if (columns.size < COLUMNS_MAX) columns.add(name)
  }
  const names = [...columns]
  const cell = (value: Json | undefined) => (typeof value === 'string' ? value : JSON.stringify(value ?? ''))
  return {
    kind: 'table',
    columns: names,
    rows: rows.map((row) => names.map((name) => (Object.hasOwn(row, name) ? cell(row[name]) : ''))),
    more: given.length - rows.length,
  }
}

/** Whether a text is the address of a web page: nothing else may be followed. */
export function isWebAddress(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol)
  } catch {
    return false
  }
}
