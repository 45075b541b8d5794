/** Which runs of a flow are shown: those that have been due, or those that are planned. */
import type { FlowRunBoolExp } from '@/generated/flow'
import { statesOf, type Family } from '@/shared/state/states.model'

/** What is due within so many seconds is no longer planned: a run that was just made stands among the others. */
export const AHEAD_S = 60

export interface Chosen {
  group: string
  families: readonly string[]
  /** Where what is planned begins. */
  until: string
}

/** The condition for one side of `until`. */
export function whereOf({ group, families, until }: Chosen, part: 'past' | 'planned'): FlowRunBoolExp {
  return {
    flow: { flow_group_id: { _eq: group } },
    // A planned run that somebody made due has begun before its time.
    ...(part === 'past'
      ? { _or: [{ scheduled_start_time: { _lt: until } }, { start_time: { _is_null: false } }] }
      : { scheduled_start_time: { _gte: until }, start_time: { _is_null: true } }),
    ...(families.length > 0 && { state: { _in: families.flatMap((family) => statesOf(family as Family)) } }),
  }
}
