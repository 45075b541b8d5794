/** The part of time that is seen: all of a run, nearer, further along, and as it stands in the address. */
import type { Param } from '@/shared/url/query.model'
import type { Extent } from './timeline-parts.model'

export interface View {
  fromMs: number
  toMs: number
}

const LENGTH_MS_MIN = 5
/** How much of the view the run keeps when it is moved out of sight. */
const KEPT = 0.1

/**
 * All of a run with a little air: from its start to now, or to the end of its last task when it has ended.
 *
 * @param endMs when the run ended; null while it goes on.
 * @returns null when nothing has begun.
 */
export function wholeView(
  extents: ReadonlyMap<string, Extent>,
  startMs: number | null,
  endMs: number | null,
  nowMs: number,
): View | null {
  let from = startMs ?? Infinity
  for (const { fromMs } of extents.values()) from = Math.min(from, fromMs)
  if (from === Infinity) return null
  let to = Math.max(from + 10, endMs === null ? nowMs : -Infinity)
  for (const { toMs } of extents.values()) to = Math.max(to, toMs ?? endMs ?? nowMs)
  const air = (to - from) * 0.02
  return { fromMs: from - air, toMs: to + air * 2 }
}

/** A view `factor` times as long, in which the instant `atMs` keeps its place; not below 5 ms. */
export function zoomed(view: View, factor: number, atMs: number, whole: View): View {
  const length = Math.min((whole.toMs - whole.fromMs) * 2, Math.max(LENGTH_MS_MIN, (view.toMs - view.fromMs) * factor))
  const part = (atMs - view.fromMs) / (view.toMs - view.fromMs)
  return { fromMs: atMs - part * length, toMs: atMs + (1 - part) * length }
}

/** A view moved by `ms`, of which some part of the run stays in sight. */
export function panned(view: View, ms: number, whole: View): View {
  const length = view.toMs - view.fromMs
  const least = whole.fromMs - length * (1 - KEPT)
  const from = Math.min(whole.toMs - length * KEPT, Math.max(least, view.fromMs + ms))
  return { fromMs: from, toMs: from + length }
}

/** The view that a link asks for, as far as this run reaches. */
export function within(view: View, whole: View): View {
  return panned(zoomed(view, 1, view.fromMs, whole), 0, whole)
}

const SEEN = /^(\d{1,15}(?:\.\d)?)-(\d{1,15}(?:\.\d)?)$/

/** A view in the address, in milliseconds since 1970, as `1764250000000-1764250060000`; null for all of the run. */
export function seen(): Param<View | null> {
  return {
    read: (given) => {
      const [, from, to] = SEEN.exec(given) ?? []
      const view = { fromMs: Number(from), toMs: Number(to) }
      return view.toMs > view.fromMs ? view : null
    },
    write: (view) => (view === null ? '' : `${tenths(view.fromMs)}-${tenths(view.toMs)}`),
    initial: null,
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
