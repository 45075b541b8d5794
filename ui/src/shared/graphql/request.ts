/** One request over HTTP: mutations, and reads that nobody follows. Not in charge of live data (`live`). */
import type { Document } from './document'
import { Failure, failureOf, type ServerError } from './failure'

export const ENDPOINT = '/graphql'

interface Answer<Result> {
  data?: Result | null
  errors?: ServerError[]
}

/** The answer of an operation; throws a Failure if any part of it failed. */
export async function request<Result, Variables>(
  document: Document<Result, Variables>,
  variables: Variables,
  signal?: AbortSignal,
): Promise<Result> {
  let response: Response
  try {
    response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query: document.text, operationName: document.name, variables }),
      signal: signal ?? null,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Failure('The server cannot be reached.', 'UNREACHABLE', 'See whether it runs: eparch server start')
  }
  let answer: Answer<Result>
  try {
    answer = (await response.json()) as Answer<Result>
  } catch {
    // A proxy in between answers with a page of its own while the server is away.
    const isAway = response.status >= 502 && response.status <= 504
    throw new Failure(
      `The server answered ${response.status} ${response.statusText} without a reason.`,
      isAway ? 'UNREACHABLE' : 'BAD_ANSWER',
    )
  }
  if (answer.errors?.length) throw failureOf(answer.errors)
  if (answer.data === undefined || answer.data === null) throw failureOf([])
  return answer.data
}
