/** A change that a user asks for: busy while it runs, a toast when it is done or has failed. */
import { ref, type Ref } from 'vue'
import { tellDone, tellFailure } from '@/shared/toasts'
import type { Document } from './document'
import { request } from './request'

export interface Action {
  isBusy: Ref<boolean>
  /** Carries out the mutation; says `done` when it has succeeded. Returns the answer, or null if it failed. */
  run: <Result, Variables>(
    document: Document<Result, Variables>,
    variables: Variables,
    done: string | ((answer: Result) => string),
  ) => Promise<Result | null>
}

/** Runs mutations one at a time. */
export function useAction(): Action {
  const isBusy = ref(false)
  return {
    isBusy,
    run: async (document, variables, done) => {
      if (isBusy.value) return null
      isBusy.value = true
      try {
        const answer = await request(document, variables)
        tellDone(typeof done === 'string' ? done : done(answer))
        return answer
      } catch (error) {
        tellFailure(error)
        return null
      } finally {
        isBusy.value = false
      }
    },
  }
}
