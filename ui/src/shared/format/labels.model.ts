/** Labels as they are typed and stored. */
import type { Json } from '@/shared/graphql/document'

/** Labels as typed: by commas or lines, without doubles, in order. */
export function labelsOf(typed: string): string[] {
  return [...new Set(typed.split(/[,\n]/).map((label) => label.trim()))].filter(Boolean)
}

/** The labels of a run config or an environment; null where it says nothing of them. */
export function labelsIn(document: Json): Json | null {
  return typeof document === 'object' && document !== null && !Array.isArray(document)
    ? (document.labels ?? null)
    : null
}
