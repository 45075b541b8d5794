/** What the key-value page asks of the server. */
import type { KeyValueBoolExp } from '@/generated/key-values'
import { containing } from '@/shared/format/pattern.model'
import { text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 50
/** The longest value that the server keeps. */
export const BYTES_MAX = 10_240

export const QUERY = { q: text(), page: whole(1, 1, 100_000) }

/** The condition that filters amount to. */
export function whereOf({ q }: Values<typeof QUERY>): KeyValueBoolExp {
  return q.trim() === '' ? {} : { key: { _ilike: containing(q) } }
}
