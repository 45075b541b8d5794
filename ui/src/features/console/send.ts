/** Sends what was typed, as it is, and returns the answer as text. */
import type { Json } from '@/shared/graphql/document'
import { ENDPOINT } from '@/shared/graphql/request'

export interface Answer {
  text: string
  ms: number
  bytes: number
  isOk: boolean
}

export async function send(query: string, variables: Json, signal: AbortSignal): Promise<Answer> {
  const started = performance.now()
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query, variables }),
    signal,
  })
  const body = await response.text()
  const ms = performance.now() - started
  let answer: Json
  try {
    answer = JSON.parse(body) as Json
  } catch {
    return { text: body, ms, bytes: body.length, isOk: false }
  }
  const isOk = typeof answer === 'object' && answer !== null && !('errors' in answer)
  return { text: JSON.stringify(answer, null, 2), ms, bytes: body.length, isOk }
}
