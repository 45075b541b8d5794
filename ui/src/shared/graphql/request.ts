/** One request over HTTP: mutations, and reads that nobody follows. Not in charge of live data (`live`). */
import type { Document } from './document'
import { asFailure, Failure, failureOf, hasFailed, NOTHING_CHANGED, type ServerError } from './failure'

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
  return resultOf(document, (await post({ ...operationOf(document), variables }, signal)) as Answer<Result>)
}

/** The answers of one operation for many variables, sent together; one that failed is its Failure. */
export async function requestMany<Result, Variables>(
  document: Document<Result, Variables>,
  many: readonly Variables[],
  signal?: AbortSignal,
): Promise<(Result | Failure)[]> {
  const body = many.map((variables) => ({ ...operationOf(document), variables }))
  const answers = (await post(body, signal)) as Answer<Result>[] | Answer<Result>
  if (!Array.isArray(answers)) return [resultOf(document, answers)]
  return answers.map((answer) => {
    try {
      return resultOf(document, answer)
    } catch (error) {
      return asFailure(error)
    }
  })
}

function operationOf(document: Document<unknown, never>): { query: string; operationName: string } {
  return { query: document.text, operationName: document.name }
}

function resultOf<Result>(document: Document<Result, never>, { data, errors }: Answer<Result>): Result {
  if (errors?.length) throw failureOf(errors)
  if (data === undefined || data === null) throw failureOf([])
  if (document.kind === 'mutation' && hasFailed(data)) throw NOTHING_CHANGED
  return data
}

async function post(body: unknown, signal?: AbortSignal): Promise<unknown> {
  let response: Response
  try {
    response = await fetch(ENDPOINT, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      signal: signal ?? null,
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Failure('The server cannot be reached.', 'UNREACHABLE', 'See whether it runs: eparch server start')
  }
  try {
    return (await response.json()) as unknown
  } catch {
    // A proxy in between answers with a page of its own while the server is away.
    const isAway = response.status >= 502 && response.status <= 504
    throw new Failure(
      `The server answered ${response.status} ${response.statusText} without a reason.`,
      isAway ? 'UNREACHABLE' : 'BAD_ANSWER',
    )
  }
}
