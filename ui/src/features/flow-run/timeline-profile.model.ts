/** A mapped task in one row: how many of its children were at work or waiting when, and where some failed. */
import { familyOf } from '@/shared/state/states.model'
import type { TaskRun } from './task-runs.model'
import { isHeldUp, partsOf, type Histories } from './timeline-parts.model'
import type { View } from './timeline-view.model'

export interface Profile {
  /** How many were at work in each column, and how many at the most. */
  active: Uint32Array
  most: number
  /** How many were waiting in each column, and the state in which the first of them waits. */
  waiting: Uint32Array
  waitState: string
  /** In which columns one has failed. */
  failed: Uint8Array
}

/** The profile of `runs` over the `width` columns, one pixel each, of a view. */
export function profile(
  runs: readonly TaskRun[],
  histories: Histories,
  view: View,
  width: number,
  nowMs: number,
): Profile {
  const active = new Int32Array(width + 2)
  const waiting = new Int32Array(width + 2)
  const failed = new Uint8Array(width)
  let waitState: string | null = null
  const scale = width / (view.toMs - view.fromMs)
  const columnOf = (ms: number) => Math.floor((ms - view.fromMs) * scale)
  const count = (changes: Int32Array, fromMs: number, toMs: number) => {
    const [first, last] = [columnOf(fromMs), columnOf(toMs)]
    if (last < 0 || first >= width) return
    changes[Math.max(0, first)]! += 1
    // The column of the end is that of whoever comes next, but for what began in it.
    changes[Math.min(width, Math.max(last, first + 1))]! -= 1
  }
  for (const run of runs) {
    const history = histories.get(run.id)
    if (history === undefined && !isHeldUp(run.state)) {
      // Nearly all of them, thousands in each frame: one part, made without a list.
      if (run.startMs !== null) count(active, run.startMs, run.endMs ?? nowMs)
    } else {
      for (const part of partsOf(run, history, nowMs)) {
        count(part.isWaiting ? waiting : active, part.fromMs, part.toMs)
        if (part.isWaiting) waitState ??= part.state
      }
    }
    if (run.startMs === null || run.endMs === null || familyOf(run.state) !== 'Failed') continue
    const column = columnOf(run.endMs)
    if (column >= 0 && column < width) failed[column] = 1
  }
  const counts = summed(active, width)
  const most = counts.reduce((one, other) => Math.max(one, other), 0)
  return { active: counts, most, waiting: summed(waiting, width), waitState: waitState ?? 'Queued', failed }
}

function summed(changes: Int32Array, width: number): Uint32Array {
  const sums = new Uint32Array(width)
  let sum = 0
  for (let column = 0; column < width; column += 1) {
    sum += changes[column]!
    sums[column] = sum
  }
  return sums
}

/** From which to which column, the latter not included, counts are above 0; gaps of up to `gapMax` are passed over. */
export function spansOf(counts: Uint32Array, gapMax = 0): [from: number, to: number][] {
  const spans: [number, number][] = []
  counts.forEach((count, column) => {
    if (count === 0) return
    const last = spans.at(-1)
    if (last !== undefined && column - last[1] <= gapMax) last[1] = column + 1
    else spans.push([column, column + 1])
  })
  return spans
}
