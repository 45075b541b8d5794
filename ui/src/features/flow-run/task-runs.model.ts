/** The task runs of a flow run as the views of its page need them: one record each, by task. */
import type { FlowRunGraphResult, FlowRunTaskRunsResult } from '@/generated/flow-run'
import { instantMs } from '@/shared/format/time.model'
import { familyOf, type Family } from '@/shared/state/states.model'

export interface TaskRun {
  id: string
  taskId: string
  /** -1 for a task that is not mapped, and for the parent of a mapped one. */
  index: number
  state: string | null
  /** When it came into its state. */
  sinceMs: number | null
  startMs: number | null
  endMs: number | null
  version: number
}

export interface Task {
  id: string
  name: string
  slug: string
  isMapped: boolean
  isReference: boolean
  /** The place in an order in which every task comes after those before it. */
  order: number
  upstream: string[]
  downstream: string[]
}

/** The record of a row of the API. */
export function taskRunOf(row: FlowRunTaskRunsResult['task_run'][number]): TaskRun {
  return {
    id: row.id,
    taskId: row.task_id,
    index: row.map_index,
    state: row.state,
    sinceMs: instantMs(row.state_timestamp),
    startMs: instantMs(row.start_time),
    endMs: instantMs(row.end_time),
    version: row.version,
  }
}

/** The tasks of a flow with their neighbours, in an order in which every task comes after those before it. */
export function tasksOf({ task: rows, edge: edges }: FlowRunGraphResult): Map<string, Task> {
  const tasks = new Map<string, Task>()
  for (const row of rows) {
    tasks.set(row.id, {
      id: row.id,
      name: row.name ?? row.slug,
      slug: row.slug,
      isMapped: row.mapped,
      isReference: row.is_reference_task,
      order: 0,
      upstream: [],
      downstream: [],
    })
  }
  for (const edge of edges) {
    const [from, to] = [tasks.get(edge.upstream_task_id), tasks.get(edge.downstream_task_id)]
    if (from === undefined || to === undefined || from.downstream.includes(to.id)) continue
    from.downstream.push(to.id)
    to.upstream.push(from.id)
    if (edge.mapped) to.isMapped = true
  }
  const missing = new Map([...tasks.values()].map((each) => [each.id, each.upstream.length]))
  const ready = [...tasks.values()].filter((each) => each.upstream.length === 0).map(({ id }) => id)
  let order = 0
  for (let at = 0; at < ready.length; at += 1) {
    const task = tasks.get(ready[at]!)!
    task.order = order++
    for (const next of task.downstream) {
      const left = missing.get(next)! - 1
      missing.set(next, left)
      if (left === 0) ready.push(next)
    }
  }
  return tasks
}

/** What a task has come to in this run: its own run, and its children if it is mapped. */
export interface TaskState {
  task: Task
  /** The run of the task itself, or the parent of its children. */
  own: TaskRun | null
  children: TaskRun[]
  counts: Partial<Record<Family, number>>
  /** The state that stands for all: the most urgent one. */
  state: string | null
  startMs: number | null
  endMs: number | null
}

/** The state of each task. */
export function statesByTask(tasks: ReadonlyMap<string, Task>, runs: Iterable<TaskRun>): Map<string, TaskState> {
  const states = new Map<string, TaskState>()
  for (const task of tasks.values()) {
    states.set(task.id, { task, own: null, children: [], counts: {}, state: null, startMs: null, endMs: null })
  }
  for (const run of runs) {
    const state = states.get(run.taskId)
    if (state === undefined) continue
    if (run.index < 0) state.own = run
    else state.children.push(run)
  }
  for (const state of states.values()) summarize(state)
  return states
}

const URGENCY: readonly Family[] = ['Failed', 'Running', 'Waiting', 'Cancelled', 'Success', 'Other']

function summarize(state: TaskState): void {
  state.children.sort((one, other) => one.index - other.index)
  const counted = state.children.length > 0 ? state.children : state.own === null ? [] : [state.own]
  let worst = URGENCY.length
  for (const run of counted) {
    const family = familyOf(run.state)
    state.counts[family] = (state.counts[family] ?? 0) + 1
    const urgency = URGENCY.indexOf(family)
    if (urgency < worst) {
      worst = urgency
      state.state = run.state
    }
  }
  // A parent that has failed, or that is cancelled, tells more than children that went well.
  const own = state.own?.state ?? null
  if (own !== null && (state.children.length === 0 || familyOf(own) === 'Failed')) state.state = own
  let hasOpen = false
  for (const run of state.own === null ? state.children : [state.own, ...state.children]) {
    if (run.startMs === null) continue
    state.startMs = Math.min(state.startMs ?? run.startMs, run.startMs)
    if (run.endMs === null) hasOpen = true
    else state.endMs = Math.max(state.endMs ?? run.endMs, run.endMs)
  }
  if (hasOpen) state.endMs = null
}

/** All tasks that can be reached from these, in one direction, without the starts. */
export function reachable(
  tasks: ReadonlyMap<string, Task>,
  starts: Iterable<string>,
  way: 'upstream' | 'downstream',
): Set<string> {
  const found = new Set<string>()
  const waiting = [...starts]
  for (let at = 0; at < waiting.length; at += 1) {
    for (const next of tasks.get(waiting[at]!)?.[way] ?? []) {
      if (found.has(next)) continue
      found.add(next)
      waiting.push(next)
    }
  }
  return found
}

/** The tasks where failing began: failed ones with no failed task before them. */
export function rootsOfFailure(states: ReadonlyMap<string, TaskState>): Task[] {
  const isFailed = (id: string) => (states.get(id)?.counts.Failed ?? 0) > 0 || states.get(id)?.state === 'TriggerFailed'
  return [...states.values()]
    .filter(({ task, state }) => isFailed(task.id) && state !== 'TriggerFailed' && !task.upstream.some(isFailed))
    .map(({ task }) => task)
    .sort((one, other) => one.order - other.order)
}

/**
 * The task runs to set back to Pending so that a flow run does its failed part again: what did not succeed, and what
 * comes after it; or a chosen task and what comes after it. Children that succeeded are left alone: they have had all
 * they needed, and their parent leads to them.
 */
export function toRunAgain(
  tasks: ReadonlyMap<string, Task>,
  runs: readonly TaskRun[],
  chosenTaskId: string | null,
): TaskRun[] {
  const isBad = (run: TaskRun) => familyOf(run.state) !== 'Success'
  const bad = runs.filter(isBad)
  const starts = chosenTaskId === null ? bad.map((run) => run.taskId) : [chosenTaskId]
  const after = reachable(tasks, starts, 'downstream')
  return runs.filter((run) => {
    if (chosenTaskId !== null && (run.taskId === chosenTaskId || after.has(run.taskId))) return true
    if (isBad(run)) return true
    return run.index < 0 && run.state !== 'Mapped' && after.has(run.taskId)
  })
}
