/** What the secrets page asks of the server, and how a secret is typed. */
import type { SecretBoolExp } from '@/generated/secrets'
import { readJson, type Reading } from '@/shared/format/json.model'
import { containing } from '@/shared/format/pattern.model'
import { text, whole, type Values } from '@/shared/url/query.model'

export const PAGE_SIZE = 50
/** The longest secret that the server keeps. */
const BYTES_MAX = 65_536

export const QUERY = { q: text(), page: whole(1, 1, 100_000) }

/** The condition that filters amount to. */
export function whereOf({ q }: Values<typeof QUERY>): SecretBoolExp {
  return q.trim() === '' ? {} : { name: { _ilike: containing(q) } }
}

/** The secret that was typed: text as it stands, or JSON. */
export function readSecret(typed: string, isJson: boolean): Reading {
  if (typed === '') return { value: null, problem: 'A secret cannot be empty.' }
  const reading = readJson(isJson ? typed : JSON.stringify(typed), BYTES_MAX)
  if (reading.problem === null && reading.value === null) return { value: null, problem: 'A secret cannot be null.' }
  return reading
}
