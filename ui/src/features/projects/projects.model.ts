/** What the filters of the projects page ask of the server. */
import type { ProjectBoolExp } from '@/generated/projects'
import { containing } from '@/shared/format/pattern.model'
import { text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 50

export const QUERY = { q: text(), page: whole(1, 1, 100_000) }

/** The condition that filters amount to. */
export function whereOf({ q }: Values<typeof QUERY>): ProjectBoolExp {
  if (q.trim() === '') return {}
  const pattern = containing(q)
  return { _or: [{ name: { _ilike: pattern } }, { description: { _ilike: pattern } }] }
}

/** What a deletion takes with it, in words. */
export function lossOf(flows: number): string {
  if (flows === 0) return 'It holds no flows.'
  return `${flows === 1 ? 'One version of a flow goes' : `${flows} versions of flows go`} with it, and all their runs and logs.`
}
