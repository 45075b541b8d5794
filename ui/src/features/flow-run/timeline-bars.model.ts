/** What is drawn in a row of the timeline, as shapes in pixels. Not in charge of colours and canvas (`timeline-paint`). */
import { duration } from '@/shared/format/time.model'
import type { TaskRun, TaskState } from './task-runs.model'
import { partsOf, type Extent, type Histories } from './timeline-parts.model'
import { profile, spansOf } from './timeline-profile.model'
import type { View } from './timeline-view.model'
import { isMap, runOf, type Row } from './timeline.model'

/** The heights of a row and of the axis above them. */
export const ROW = 26
export const AXIS = 26

/** A shape; `state` gives its colour. */
export type Shape =
  | { kind: 'bar'; state: string; x: number; y: number; width: number; height: number; isFaint: boolean }
  | { kind: 'wait'; state: string; fromX: number; toX: number; y: number }
  /** A small square around a point. */
  | { kind: 'mark'; state: string; x: number; y: number }
  /** Columns one pixel wide that stand on `base`, as high as `heights` says. */
  | { kind: 'columns'; state: string; base: number; heights: Float32Array }
  | { kind: 'stroke'; state: string; x: number; y: number; height: number }
  | { kind: 'note'; text: string; x: number; y: number; width: number }

/** What the shapes of all rows depend on. */
export interface Plot {
  view: View
  width: number
  nowMs: number
  histories: Histories
  extents: ReadonlyMap<string, Extent>
  textWidth: (text: string) => number
}

/** How far bars are drawn out of sight, so that their round ends do not show. */
const BEYOND = 10
const NOTE_GAP = 6
const INSET = 6
/** A dash of a line of waiting with its gap. */
export const DASH = 6

/** Where an instant stands. */
export function xOf({ view, width }: Pick<Plot, 'view' | 'width'>, ms: number): number {
  return ((ms - view.fromMs) / (view.toMs - view.fromMs)) * width
}

/** The shapes of a row whose top is at `y`. */
export function shapesOf(row: Row, y: number, plot: Plot): Shape[] {
  if (isMap(row)) return shapesOfMap(row.state, y, plot)
  const run = runOf(row)
  return run === null ? [] : shapesOfRun(run, y, row.kind === 'child' ? INSET + 1 : INSET, plot)
}

function shapesOfRun(run: TaskRun, y: number, inset: number, plot: Plot): Shape[] {
  const middle = y + ROW / 2
  const parts = partsOf(run, plot.histories.get(run.id), plot.nowMs)
  if (parts.length === 0) {
    // Never began: a mark where it ended, if it has.
    return run.endMs === null
      ? []
      : [{ kind: 'mark', state: run.state ?? 'Pending', x: xOf(plot, run.endMs), y: middle }]
  }
  const [fromMs, toMs] = [parts[0]!.fromMs, parts.at(-1)!.toMs]
  const shapes = parts.flatMap((part): Shape[] => {
    const [from, to] = [xOf(plot, part.fromMs), xOf(plot, part.toMs)]
    if (to < -BEYOND || from > plot.width + BEYOND) return []
    if (part.isWaiting) return [wait(part.state, from, to, middle, plot)]
    return [bar(part.state, from, to, y + inset, ROW - inset * 2, plot)]
  })
  return [...shapes, ...note(duration(toMs - fromMs), xOf(plot, fromMs), xOf(plot, toMs), middle, plot)]
}

function shapesOfMap(state: TaskState, y: number, plot: Plot): Shape[] {
  const extent = plot.extents.get(state.task.id)
  if (extent === undefined) return []
  const toMs = extent.toMs ?? plot.nowMs
  const [from, to] = [xOf(plot, extent.fromMs), xOf(plot, toMs)]
  const tall = ROW - 10
  const seen = profile(state.children, plot.histories, plot.view, plot.width, plot.nowMs)
  const heights = Float32Array.from(seen.active, (count) =>
    count === 0 ? 0 : Math.max(1.5, (tall * count) / seen.most),
  )
  const shapes: Shape[] = [
    { ...bar('Mapped', from, to, y + 5, tall, plot), isFaint: true },
    { kind: 'columns', state: state.counts.Running ? 'Running' : 'Success', base: y + ROW - 5, heights },
  ]
  for (const [first, last] of spansOf(seen.waiting, DASH)) {
    shapes.push({ kind: 'wait', state: seen.waitState, fromX: first, toX: last, y: y + ROW - 2.5 })
  }
  seen.failed.forEach((has, x) => {
    if (has) shapes.push({ kind: 'stroke', state: 'Failed', x: x - 1, y: y + 3, height: ROW - 6 })
  })
  return [...shapes, ...note(duration(toMs - extent.fromMs), from, to, y + ROW / 2, plot)]
}

function bar(state: string, from: number, to: number, y: number, height: number, { width }: Plot) {
  const x = Math.max(-BEYOND, from)
  return {
    ...{ kind: 'bar' as const, state, x, y, height, isFaint: false },
    width: Math.max(2, Math.min(width + BEYOND, to) - x),
  }
}

function wait(state: string, from: number, to: number, y: number, { width }: Plot): Shape {
  // Dashes are counted from where the line begins: cut by whole dashes, they move with it.
  const fromX = from < -DASH ? (from % DASH) - DASH : from
  return { kind: 'wait', state, fromX, toX: Math.max(fromX + DASH / 2, Math.min(width + DASH, to)), y }
}

/**
 * How long it took: after the bar, before it where there is no room, nowhere where there is none either. Of what is out
 * of sight, at the side where it is.
 */
function note(took: string, from: number, to: number, y: number, { width, textWidth }: Plot): Shape[] {
  const place = (text: string, xOfText: (wide: number) => number): Shape => {
    const wide = textWidth(text)
    return { kind: 'note', text, x: xOfText(wide), y, width: wide }
  }
  if (to < 0) return [place(`‹ ${took}`, () => NOTE_GAP)]
  if (from > width) return [place(`${took} ›`, (wide) => width - wide - NOTE_GAP)]
  const taken = textWidth(took) + NOTE_GAP + 2
  if (to + taken < width) return [place(took, () => to + NOTE_GAP)]
  if (from > taken) return [place(took, (wide) => from - wide - NOTE_GAP)]
  return []
}
