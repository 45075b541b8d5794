/** Live data for a component: the answer of a query that stays current while the component is shown. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import type { Document } from './document'
import type { Failure } from './failure'
import { follow } from './socket'

export interface Live<Result> {
  /** The newest answer; of the variables before while the next ones are asked, so that pages do not flicker. */
  data: ShallowRef<Result | null>
  /** Why there is no answer; null again once there is one. */
  failure: ShallowRef<Failure | null>
  /** Whether the answer to the present variables is still to come. */
  isLoading: ShallowRef<boolean>
  /** Asks again, after a failure. */
  retry: () => void
}

/**
 * The answer of a query, kept current.
 *
 * @param variables returns the variables, or null while there is nothing to ask; the query follows when they change.
 * @param intervalS how long the server waits between two answers; more for questions that cost something.
 */
export function useLive<Result, Variables>(
  document: Document<Result, Variables>,
  variables: () => Variables | null,
  intervalS = 0.5,
): Live<Result> {
  const data = shallowRef<Result | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const isLoading = shallowRef(true)
  let stop: (() => void) | null = null

  function start(given: Variables | null): void {
    stop?.()
    stop = null
    isLoading.value = given !== null
    if (given === null) return
    stop = follow(
      document,
      given,
      intervalS,
      (answer) => {
        data.value = answer
        failure.value = null
        isLoading.value = false
      },
      (told) => {
        // While the connection is lost the last answer stays on the page; the shell says that it is old.
        if (told.isLost && data.value !== null) return
        failure.value = told
        isLoading.value = false
      },
    )
  }

  watch(
    () => JSON.stringify(variables()),
    () => start(variables()),
    { immediate: true },
  )
  onScopeDispose(() => stop?.())
  return { data, failure, isLoading, retry: () => start(variables()) }
}
