/** The rows of a run's timeline, and the path that decided how long it took. Not in charge of drawing. */
import { FAMILIES, familyOf, type Family } from '@/shared/state/states.model'
import { flag, list, text } from '@/shared/url/query.model'
import type { Task, TaskRun, TaskState } from './task-runs.model'
import type { Extent } from './timeline-parts.model'
import { seen } from './timeline-view.model'

/** What the timeline keeps in the address: tasks found by name and state, the critical path, unfolded tasks, the zoom. */
export const QUERY = { tasks: text(), only: list(FAMILIES), critical: flag(), open: list(), seen: seen() }

export type Row =
  | { kind: 'task'; key: string; state: TaskState; isFolded: boolean }
  | { kind: 'child'; key: string; state: TaskState; run: TaskRun }

export interface RowFilter {
  text: string
  families: readonly string[]
  expanded: ReadonlySet<string>
}

/** The rows: tasks by when they began, those that have not begun in the order of the flow; children below their task. */
export function rowsOf(
  states: ReadonlyMap<string, TaskState>,
  extents: ReadonlyMap<string, Extent>,
  { text, families, expanded }: RowFilter,
): Row[] {
  const wanted = text.trim().toLowerCase()
  const beginOf = ({ task }: TaskState) => extents.get(task.id)?.fromMs ?? Number.MAX_VALUE
  const isShown = (run: TaskRun) => families.length === 0 || families.includes(familyOf(run.state))
  const shown = [...states.values()]
    .filter(({ task }) => wanted === '' || task.name.toLowerCase().includes(wanted))
    .filter((state) => families.length === 0 || families.some((family) => (state.counts[family as Family] ?? 0) > 0))
    .sort((one, other) => beginOf(one) - beginOf(other) || one.task.order - other.task.order)
  const rows: Row[] = []
  for (const state of shown) {
    const isFolded = state.children.length > 0 && !expanded.has(state.task.id)
    rows.push({ kind: 'task', key: state.task.id, state, isFolded })
    if (state.children.length === 0 || isFolded) continue
    for (const run of state.children) if (isShown(run)) rows.push({ kind: 'child', key: run.id, state, run })
  }
  return rows
}

/** Whether a row stands for the children of a mapped task too. */
export function isMap(row: Row): boolean {
  return row.kind === 'task' && row.state.children.length > 0
}

/** The task run that a row is of; null for a task that has none. */
export function runOf(row: Row): TaskRun | null {
  return row.kind === 'child' ? row.run : row.state.own
}

/**
 * The tasks that decided when the run ended: from the one that ended last, back to whichever of those before it ended
 * last, up to one that waited for nothing. In the order in which they ran.
 */
export function criticalPath(
  tasks: ReadonlyMap<string, Task>,
  extents: ReadonlyMap<string, Extent>,
  nowMs: number,
): string[] {
  const endOf = (id: string) => {
    const extent = extents.get(id)
    return extent === undefined ? -Infinity : (extent.toMs ?? nowMs)
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

/** How long the tasks of a path took together, in milliseconds. */
export function pathMs(path: readonly string[], extents: ReadonlyMap<string, Extent>, nowMs: number): number {
  return path.reduce((sum, id) => {
    const extent = extents.get(id)
    return extent === undefined ? sum : sum + (extent.toMs ?? nowMs) - extent.fromMs
  }, 0)
}
