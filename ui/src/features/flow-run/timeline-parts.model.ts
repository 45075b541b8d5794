/**
 * What a task run did when: the parts of its time in which it worked, and those in which it waited for something other
 * than the tasks before it. Not in charge of how that looks (`timeline-bars.model`).
 */
import type { FlowRunAttemptsResult } from '@/generated/flow-run'
import { descendants, familyOf, isA } from '@/shared/state/states.model'
import type { TaskRun, TaskState } from './task-runs.model'

/** A state that a task run came into. */
export interface Step {
  atMs: number
  state: string
}
/** The states of task runs that had more than a start and an end, oldest first, by id. */
export type Histories = ReadonlyMap<string, readonly Step[]>

export interface Part {
  fromMs: number
  toMs: number
  isWaiting: boolean
  /** What became of the work, or what is waited in. */
  state: string
}

/** From when to when there is something to see; `toMs` is null as long as it goes on. */
export interface Extent {
  fromMs: number
  toMs: number | null
}

const HELD_UP: ReadonlySet<string> = new Set([...descendants('Scheduled'), 'Queued', 'Submitted'])

/** Whether it waits for an instant, a person, a slot or a machine. What is Pending waits for the tasks before it. */
export function isHeldUp(state: string | null): boolean {
  return state !== null && HELD_UP.has(state)
}

/** The histories in rows of the API, which are ordered by time. */
export function historiesOf(rows: FlowRunAttemptsResult['task_run_state']): Histories {
  const histories = new Map<string, Step[]>()
  for (const { task_run_id: id, timestamp, state } of rows) {
    const history = histories.get(id) ?? []
    history.push({ atMs: Date.parse(timestamp), state })
    histories.set(id, history)
  }
  return histories
}

/** The parts of a task run up to `nowMs`, in order; none if it has neither worked nor waited. */
export function partsOf(run: TaskRun, history: readonly Step[] | undefined, nowMs: number): Part[] {
  if (history !== undefined && history.length > 0) return partsOfHistory(run, history, nowMs)
  const isWaiting = isHeldUp(run.state) && run.sinceMs !== null
  const parts: Part[] = []
  if (run.startMs !== null) {
    const toMs = run.endMs ?? (isWaiting ? run.sinceMs! : nowMs)
    const state = workState(run, isWaiting ? run.state! : undefined)
    parts.push({ fromMs: run.startMs, toMs: Math.max(run.startMs, toMs), isWaiting: false, state })
  }
  if (isWaiting) {
    parts.push({ fromMs: run.sinceMs!, toMs: Math.max(run.sinceMs!, nowMs), isWaiting: true, state: run.state! })
  }
  return parts
}

function partsOfHistory(run: TaskRun, history: readonly Step[], nowMs: number): Part[] {
  const parts: Part[] = []
  const lastMs = isHeldUp(run.state) ? nowMs : (run.endMs ?? nowMs)
  history.forEach(({ atMs, state }, index) => {
    const next = history[index + 1]
    const toMs = Math.max(atMs, next?.atMs ?? lastMs)
    const before = parts.at(-1)
    if (isA(state, 'Running')) {
      parts.push({ fromMs: atMs, toMs, isWaiting: false, state: workState(run, next?.state) })
    } else if (isHeldUp(state) || (before !== undefined && !isA(state, 'Finished'))) {
      // A state that is renewed goes on.
      if (before?.isWaiting && before.state === state) before.toMs = toMs
      else parts.push({ fromMs: atMs, toMs, isWaiting: true, state })
    }
  })
  return parts
}

/** The state whose colour work has: how the attempt ended. */
function workState(run: TaskRun, next: string | undefined): string {
  if (next === 'Retrying') return 'Failed'
  if (next !== undefined && familyOf(next) === 'Failed') return next
  return isHeldUp(run.state) ? 'Running' : (run.state ?? 'Pending')
}

/** The extent of each task that has something to see: of its own run and of its children. */
export function extentsOf(states: ReadonlyMap<string, TaskState>, histories: Histories): Map<string, Extent> {
  const extents = new Map<string, Extent>()
  for (const { task, own, children } of states.values()) {
    const extent = { fromMs: Infinity, toMs: -Infinity }
    for (const run of own === null ? children : [own, ...children]) {
      const fromMs = beginOf(run, histories.get(run.id))
      if (fromMs === null) continue
      extent.fromMs = Math.min(extent.fromMs, fromMs)
      extent.toMs = Math.max(extent.toMs, isHeldUp(run.state) ? Infinity : (run.endMs ?? Infinity))
    }
    if (extent.fromMs === Infinity) continue
    extents.set(task.id, { fromMs: extent.fromMs, toMs: extent.toMs === Infinity ? null : extent.toMs })
  }
  return extents
}

function beginOf(run: TaskRun, history: readonly Step[] | undefined): number | null {
  const first = history?.find(({ state }) => isHeldUp(state) || isA(state, 'Running'))
  return first?.atMs ?? run.startMs ?? (isHeldUp(run.state) ? run.sinceMs : null)
}
