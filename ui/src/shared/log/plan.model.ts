/**
 * How lines of a log are asked for, however many there are.
 *
 * The server gives lines by conditions and an offset, and an offset costs what it skips. A line whose instant differs
 * from the one before it is an anchor: exactly so many lines come before it, so that its neighbours can be asked for
 * without skipping.
 */
import type { LogBoolExp, LogLinesVariables } from '@/generated/log'
import type { Line } from './lines.model'

/** How many lines are asked for at once. */
export const CHUNK = 250

export interface Anchor {
  /** How many lines come before it. */
  index: number
  timestamp: string
}

/** How to ask for the lines from `index` on. */
export interface Plan {
  timestamp: { _gte?: string; _lt?: string } | null
  isBackward: boolean
  offset: number
  limit: number
}

/** The plan that skips the fewest lines; `count` is null where nobody knows how many there are. */
export function planOf(index: number, wanted: number, count: number | null, anchors: Iterable<Anchor>): Plan {
  const limit = count === null ? wanted : Math.max(0, Math.min(wanted, count - index))
  let best: Plan = { timestamp: null, isBackward: false, offset: index, limit }
  const end = index + limit
  if (count !== null && count - end < best.offset) {
    best = { timestamp: null, isBackward: true, offset: count - end, limit }
  }
  for (const anchor of anchors) {
    if (anchor.index <= index && index - anchor.index < best.offset) {
      best = { timestamp: { _gte: anchor.timestamp }, isBackward: false, offset: index - anchor.index, limit }
    } else if (anchor.index >= end && anchor.index - end < best.offset) {
      best = { timestamp: { _lt: anchor.timestamp }, isBackward: true, offset: anchor.index - end, limit }
    }
  }
  return best
}

/** The last anchor, and the first, among lines that begin at `index`. */
export function anchorsOf(lines: readonly Line[], index: number): Anchor[] {
  const found: Anchor[] = []
  for (let at = 1; at < lines.length; at += 1) {
    if (lines[at]!.timestamp !== lines[at - 1]!.timestamp)
      found.push({ index: index + at, timestamp: lines[at]!.timestamp })
  }
  return found.length > 2 ? [found[0]!, found.at(-1)!] : found
}

/** The variables of the request for a plan. */
export function variablesOf(where: LogBoolExp, { timestamp, isBackward, limit, offset }: Plan): LogLinesVariables {
  const direction = isBackward ? 'desc' : 'asc'
  return {
    where: timestamp === null ? where : { ...where, timestamp },
    order_by: [{ timestamp: direction }, { id: direction }],
    limit,
    offset,
  }
}
