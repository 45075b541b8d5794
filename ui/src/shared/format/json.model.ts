/** JSON that people type. */
import type { Json } from '@/shared/graphql/document'

export type Reading = { value: Json; problem: null } | { value: null; problem: string }

/** The JSON that was typed, or what is wrong with it, before anything is sent. */
export function readJson(typed: string, bytesMax: number): Reading {
  let value: Json
  try {
    value = JSON.parse(typed) as Json
  } catch (error) {
    const told = error instanceof Error ? error.message : String(error)
    return { value: null, problem: `This is not JSON: ${told}. Text stands in double quotes.` }
  }
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length
  if (bytes > bytesMax) return { value: null, problem: `This is ${bytes} bytes long; at most ${bytesMax} are kept.` }
  return { value, problem: null }
}

/** A value on one line. */
export function brief(value: Json): string {
  return JSON.stringify(value)
}

/** A value as one edits it. */
export function pretty(value: Json): string {
  return JSON.stringify(value, null, 2)
}
