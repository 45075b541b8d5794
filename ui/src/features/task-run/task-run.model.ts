/** What one task run tells: its attempts, where its result is, and the conditions for its mapped children. */
import type { TaskRunBoolExp, TaskRunStatesResult } from '@/generated/task-run'
import type { Json } from '@/shared/graphql/document'
import { statesOf, type Family } from '@/shared/state/states.model'

type StateRow = TaskRunStatesResult['task_run_state'][number]

/** The families by which children are told apart. */
export const SHOWN = ['Failed', 'Running', 'Waiting', 'Cancelled', 'Success'] as const satisfies readonly Family[]

/** The states that a person may mark a task run as, with what each is for. */
export const MARKS: readonly { state: string; meaning: string }[] = [
  { state: 'Success', meaning: 'It is done; what comes after it goes on, without a result.' },
  { state: 'Failed', meaning: 'It has failed; what comes after it goes by its trigger.' },
  { state: 'Skipped', meaning: 'It is left out; what comes after it is left out too, unless it says otherwise.' },
  { state: 'Pending', meaning: 'It runs once more when its flow run does.' },
]

/** Where the next of its kind are, for the task run of an index: its parent, the one before, the one after. */
export function nearWhere(flowRunId: string, taskId: string, index: number): TaskRunBoolExp {
  return { flow_run_id: { _eq: flowRunId }, task_id: { _eq: taskId }, map_index: { _in: [-1, index - 1, index + 1] } }
}

/** The parent of a mapped child and the children beside it, with what to call each. */
export function siblingsOf<Run extends { map_index: number }>(
  family: readonly Run[],
  index: number,
): { name: string; run: Run }[] {
  const named = [
    { name: 'Parent', at: -1 },
    { name: `[${index - 1}]`, at: index - 1 },
    { name: `[${index + 1}]`, at: index + 1 },
  ]
  return named.flatMap(({ name, at }, place) => {
    // The child 0 has none before it: -1 is the parent.
    const run = place === 1 && at < 0 ? undefined : family.find((each) => each.map_index === at)
    return run === undefined ? [] : [{ name, run }]
  })
}

/** How often it began to run; the states may be in any order. */
export function attemptsOf(states: readonly StateRow[]): number {
  return states.filter(({ state }) => state === 'Running').length
}

export interface Result {
  /** The kind of the result, as `LocalResult`; null where there is none. */
  kind: string | null
  location: string | null
}

/** Where the result of a task run is, from its state. */
export function resultOf(stateResult: Json, serialized: Json): Result {
  const inState = fieldsOf(serialized)?._result
  const fields = fieldsOf(stateResult) ?? fieldsOf(inState) ?? {}
  const { type, location } = fields
  // A plain `Result` says that there was one, which nobody has kept.
  const isNone = type === 'NoResultType' || type === 'Result' || typeof type !== 'string'
  return { kind: isNone ? null : type, location: typeof location === 'string' && location !== '' ? location : null }
}

/** What states say of themselves where nothing is to be said; the state itself tells as much. */
const STOCK = new Set([
  'Task run created.',
  'Task run created',
  'Starting task run.',
  'Task run succeeded.',
  'Ready to proceed with mapping.',
  'Mapped tasks submitted for execution.',
])

/** The message of a state, if it says more than the state does. */
export function newsOf(message: string | null): string | null {
  return message === null || STOCK.has(message) ? null : message
}

/** The condition for the mapped children of a task run, of some families or all. */
export function childrenWhere(flowRunId: string, taskId: string, families: readonly string[]): TaskRunBoolExp {
  return {
    flow_run_id: { _eq: flowRunId },
    task_id: { _eq: taskId },
    map_index: { _gte: 0 },
    ...(families.length > 0 && { state: { _in: families.flatMap((family) => statesOf(family as Family)) } }),
  }
}

/** What a task run is called: its own name, or that of its task with its index. */
export function titleOf(
  name: string | null,
  task: { name: string | null; slug: string } | null,
  index: number,
): string {
  if (name !== null && name !== '') return name
  const base = task?.name ?? task?.slug ?? 'Task run'
  return index >= 0 ? `${base} [${index}]` : base
}

function fieldsOf(value: Json | undefined): { [key: string]: Json } | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null
}
