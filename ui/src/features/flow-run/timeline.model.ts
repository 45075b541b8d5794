/** The rows and bars of a run's timeline, and the path that decided how long it took. Not in charge of drawing. */
import type { FlowRunAttemptsResult } from '@/generated/flow-run'
import { familyOf, isA, type Family } from '@/shared/state/states.model'
import type { Task, TaskRun, TaskState } from './task-runs.model'

export type Row =
  | { kind: 'task'; key: string; state: TaskState; isFolded: boolean }
  | { kind: 'child'; key: string; state: TaskState; run: TaskRun }

export interface RowFilter {
  text: string
  families: readonly string[]
  expanded: ReadonlySet<string>
}

/** The rows: tasks by when they began, those that have not begun in the order of the flow; children below their task. */
export function rowsOf(states: ReadonlyMap<string, TaskState>, { text, families, expanded }: RowFilter): Row[] {
  const wanted = text.trim().toLowerCase()
  const isShown = (run: TaskRun) => families.length === 0 || families.includes(familyOf(run.state))
  const shown = [...states.values()]
    .filter(({ task }) => wanted === '' || task.name.toLowerCase().includes(wanted))
    .filter((state) => families.length === 0 || families.some((family) => (state.counts[family as Family] ?? 0) > 0))
    .sort((one, other) => (one.startMs ?? Infinity) - (other.startMs ?? Infinity) || one.task.order - other.task.order)
  const rows: Row[] = []
  for (const state of shown) {
    const isFolded = state.children.length > 0 && !expanded.has(state.task.id)
    rows.push({ kind: 'task', key: state.task.id, state, isFolded })
    if (state.children.length === 0 || isFolded) continue
    for (const run of state.children) if (isShown(run)) rows.push({ kind: 'child', key: run.id, state, run })
  }
  return rows
}

/** A part of a bar: work, or waiting for the next attempt, for approval or for a slot. */
export interface Part {
  fromMs: number
  toMs: number
  isWaiting: boolean
}

/** When task runs that had more than one attempt worked and when they waited, by the id of the task run. */
export function partsByRun(attempts: FlowRunAttemptsResult['task_run_state'], nowMs: number): Map<string, Part[]> {
  const histories = new Map<string, { at: number; state: string }[]>()
  for (const { task_run_id: id, timestamp, state } of attempts) {
    const history = histories.get(id) ?? []
    history.push({ at: Date.parse(timestamp), state })
    histories.set(id, history)
  }
  const parts = new Map<string, Part[]>()
  for (const [id, history] of histories) {
    const made: Part[] = []
    history.forEach(({ at, state }, index) => {
      const until = history[index + 1]?.at ?? nowMs
      if (isA(state, 'Running')) made.push({ fromMs: at, toMs: until, isWaiting: false })
      else if (made.length > 0 && !isA(state, 'Finished')) made.push({ fromMs: at, toMs: until, isWaiting: true })
    })
    if (made.length > 1) parts.set(id, made)
  }
  return parts
}

/**
 * The tasks that decided when the run ended: from the one that ended last, back to whichever of those before it ended
 * last, up to one that waited for nothing. In the order in which they ran.
 */
export function criticalPath(
  tasks: ReadonlyMap<string, Task>,
  states: ReadonlyMap<string, TaskState>,
  nowMs: number,
): string[] {
  const endOf = (id: string) => {
    const state = states.get(id)
    return state?.startMs == null ? -Infinity : (state.endMs ?? nowMs)
  }
  const latest = (ids: Iterable<string>) => {
    let best: string | null = null
    for (const id of ids) if (endOf(id) > (best === null ? -Infinity : endOf(best))) best = id
    return best
  }
  const path: string[] = []
  for (let at = latest(tasks.keys()); at !== null; at = latest(tasks.get(at)!.upstream)) {
    path.push(at)
    if (path.length > tasks.size) break
  }
  return path.reverse()
}

/** The part of time that is seen. */
export interface View {
  fromMs: number
  toMs: number
}

/** All of a run, from its first start to its last end, with a little air. */
export function wholeView(states: ReadonlyMap<string, TaskState>, startMs: number | null, endMs: number): View {
  let from = startMs ?? Infinity
  for (const state of states.values()) from = Math.min(from, state.startMs ?? Infinity)
  // Nothing has begun: a minute up to now.
  if (!Number.isFinite(from)) return { fromMs: endMs - 60_000, toMs: endMs }
  let to = from + 10
  for (const state of states.values()) {
    if (state.startMs !== null) to = Math.max(to, state.endMs ?? endMs)
  }
  const air = (to - from) * 0.02
  return { fromMs: from - air, toMs: to + air * 2 }
}

/** A view `factor` times as long, in which the instant `atMs` keeps its place; not below 5 ms. */
export function zoomed(view: View, factor: number, atMs: number, whole: View): View {
  const length = Math.min((whole.toMs - whole.fromMs) * 2, Math.max(5, (view.toMs - view.fromMs) * factor))
  const part = (atMs - view.fromMs) / (view.toMs - view.fromMs)
  return { fromMs: atMs - part * length, toMs: atMs + (1 - part) * length }
}

/** A view moved by `ms`, of which some part of the run stays in sight. */
export function panned(view: View, ms: number, whole: View): View {
  const length = view.toMs - view.fromMs
  const from = Math.min(whole.toMs - length * 0.1, Math.max(whole.fromMs - length * 0.9, view.fromMs + ms))
  return { fromMs: from, toMs: from + length }
}

/** How many of `runs` were at work in each of `width` columns of a view, and in which columns one has failed. */
export function profile(
  runs: readonly TaskRun[],
  view: View,
  width: number,
  nowMs: number,
): { active: Uint32Array; failed: Uint8Array; most: number } {
  const changes = new Int32Array(width + 2)
  const failed = new Uint8Array(width + 1)
  const scale = width / (view.toMs - view.fromMs)
  const columnOf = (ms: number) => Math.floor((ms - view.fromMs) * scale)
  for (const run of runs) {
    if (run.startMs === null) continue
    const first = columnOf(run.startMs)
    const last = columnOf(run.endMs ?? nowMs)
    if (last < 0 || first >= width) continue
    changes[Math.max(0, first)]! += 1
    changes[Math.min(width, last) + 1]! -= 1
    if (last < width && familyOf(run.state) === 'Failed') failed[last] = 1
  }
  const active = new Uint32Array(width)
  let now = 0
  let most = 0
  for (let column = 0; column < width; column += 1) {
    now += changes[column]!
    active[column] = now
    if (now > most) most = now
  }
  return { active, failed, most }
}
