/** What the timeline says in words: of the row that is pointed at, and of a run of which there is nothing to draw. */
import { whole as wholeNumber } from '@/shared/format/number.model'
import { clockTime, duration, relative, short } from '@/shared/format/time.model'
import { isA, nameOf } from '@/shared/state/states.model'
import { partsOf, type Extent, type Histories, type Part } from './timeline-parts.model'
import { isMap, runOf, type Row } from './timeline.model'

export interface Tip {
  name: string
  state: string | null
  lines: string[]
}

/** What is known when a row is told of. */
export interface Known {
  histories: Histories
  extents: ReadonlyMap<string, Extent>
  nowMs: number
  zone: string
}

/** What is told of a row. */
export function tipOf(row: Row, known: Known): Tip {
  const { task, state, counts } = row.state
  if (isMap(row)) {
    const extent = known.extents.get(task.id)
    const families = Object.entries(counts).map(([family, count]) => `${wholeNumber(count)} ${family.toLowerCase()}`)
    return { name: task.name, state, lines: [extent ? span(extent, known) : 'not started', ...families] }
  }
  const run = runOf(row)
  const name = row.kind === 'child' ? `${task.name} [${row.run.index}]` : task.name
  if (run === null) return { name, state: null, lines: ['not started'] }
  const parts = partsOf(run, known.histories.get(run.id), known.nowMs)
  if (parts.length === 0) {
    const told = run.endMs === null ? 'not started' : `at ${clockTime(run.endMs, known.zone)}, without having run`
    return { name, state: run.state, lines: [told] }
  }
  const works = parts.filter((part) => !part.isWaiting)
  const waits = parts.filter((part) => part.isWaiting)
  return {
    name,
    state: run.state,
    lines: [
      ...(works.length > 0 ? [span({ fromMs: parts[0]!.fromMs, toMs: parts.at(-1)!.toMs }, known)] : []),
      ...(works.length > 1 ? [`${works.length} attempts`] : []),
      ...(waits.length > 0 ? [waited(waits, waits.at(-1) === parts.at(-1), known)] : []),
    ],
  }
}

function span({ fromMs, toMs }: Extent, { nowMs, zone }: Known): string {
  return `${clockTime(fromMs, zone)} for ${duration((toMs ?? nowMs) - fromMs)}`
}

function waited(waits: readonly Part[], isStill: boolean, { zone }: Known): string {
  const last = waits.at(-1)!
  if (isStill) return `waiting since ${clockTime(last.fromMs, zone)}, for ${duration(last.toMs - last.fromMs)}`
  return `waited for ${duration(waits.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0))}`
}

/** A run of which nothing has run. */
export interface Unbegun {
  state: string
  /** When it is to start; null where that is not known, as for a run that waits for approval. */
  dueMs: number | null
  taskCount: number
}

/** Why there is nothing to draw. */
export function nothingTold(
  { state, dueMs, taskCount }: Unbegun,
  nowMs: number,
  zone: string,
): { title: string; text: string } {
  const tasks =
    taskCount === 1 ? 'Its one task has not begun.' : `None of its ${wholeNumber(taskCount)} tasks has begun.`
  if (taskCount === 0) return { title: 'No tasks to show', text: 'This flow has no tasks.' }
  if (isA(state, 'Finished')) return { title: `${nameOf(state)} before a task began`, text: tasks }
  if (state === 'Paused') return { title: 'Waits for approval', text: tasks }
  if (state === 'Submitted') return { title: 'Is being started', text: `An agent has taken the run. ${tasks}` }
  if (!isA(state, 'Scheduled') || dueMs === null) return { title: 'Nothing has run yet', text: tasks }
  const at = short(dueMs, nowMs, zone)
  if (dueMs > nowMs) return { title: `Starts ${relative(dueMs, nowMs)}`, text: `It is planned for ${at}. ${tasks}` }
  return { title: `Late by ${duration(nowMs - dueMs)}`, text: `It was to start at ${at}. ${tasks}` }
}
