/** One entry of `errors` in an answer. */
export interface ServerError {
  message: string
  path?: (string | number)[]
  extensions?: { code?: string; hint?: string; detail?: unknown }
}

/** What went wrong, in words for people: `message` says what, `hint` what to do. */
export class Failure extends Error {
  readonly code: string
  readonly hint: string | null

  constructor(message: string, code: string, hint: string | null = null) {
    super(message)
    this.name = 'Failure'
    this.code = code
    this.hint = hint
  }

  /** Whether the server could not be reached at all: trying again may help. */
  get isLost(): boolean {
    return this.code === 'UNREACHABLE'
  }
}

/** The failure that a list of errors tells of. */
export function failureOf(errors: readonly ServerError[]): Failure {
  const [first] = errors
  if (first === undefined) return new Failure('The server failed without saying why.', 'UNKNOWN')
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return new Failure(first.message + more, first.extensions?.code ?? 'UNKNOWN', first.extensions?.hint ?? null)
}

/** Anything that was thrown, as a failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure(error instanceof Error ? error.message : String(error), 'UNKNOWN')
}

/** What a change comes to that found nothing to change: the API says so by `success`, not by an error. */
export const NOTHING_CHANGED = new Failure(
  'Nothing was changed.',
  'NOTHING_CHANGED',
  'It may have been deleted in the meantime.',
)

/** Whether the answer of a mutation says of any of its fields that it has not succeeded. */
export function hasFailed(data: object): boolean {
  return Object.values(data).some(
    (field: unknown) => typeof field === 'object' && field !== null && 'success' in field && field.success === false,
  )
}
