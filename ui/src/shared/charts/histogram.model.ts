/** Runs over time as stacked bars: what stands where. Not in charge of drawing (RunHistogram.vue). */
import type { Json } from '@/shared/graphql/document'
import { familyOf, type Family } from '@/shared/state/states.model'

/** From the base up: what must be compared stands on the base line. */
export const STACK: readonly Family[] = ['Failed', 'Running', 'Waiting', 'Cancelled', 'Success', 'Other']

export type Counts = Record<Family, number>

export interface Bar {
  startMs: number
  counts: Counts
  all: number
}

interface Bucket {
  start: string
  state_counts: Json
}

/** No runs at all. */
export function noCounts(): Counts {
  return { Failed: 0, Running: 0, Waiting: 0, Cancelled: 0, Success: 0, Other: 0 }
}

/** The bars of the server's buckets. */
export function barsOf(buckets: readonly Bucket[]): Bar[] {
  return buckets.map((bucket) => {
    const counts = noCounts()
    let all = 0
    for (const [state, count] of Object.entries(bucket.state_counts ?? {})) {
      if (typeof count !== 'number') continue
      counts[familyOf(state)] += count
      all += count
    }
    return { startMs: Date.parse(bucket.start), counts, all }
  })
}

/** The sums of all bars. */
export function totalOf(bars: readonly Bar[]): Counts {
  const total = noCounts()
  for (const { counts } of bars) for (const family of STACK) total[family] += counts[family]
  return total
}

export interface Segment {
  family: Family
  /** Of the height of the chart, from its base. */
  from: number
  to: number
}

/** The segments of a bar, as parts of `most`; one run is never thinner than `least`. */
export function segmentsOf(bar: Bar, most: number, least: number): Segment[] {
  let at = 0
  return STACK.filter((family) => bar.counts[family] > 0).map((family) => {
    const from = at
    at = Math.min(1, at + Math.max(least, bar.counts[family] / most))
    return { family, from, to: at }
  })
}

/** Which bar lies at a part of the width, from 0 to 1. */
export function indexAt(part: number, bars: number): number {
  return Math.max(0, Math.min(bars - 1, Math.floor(part * bars)))
}

/** The span of two bars, whichever comes first, in seconds. */
export function markedSpan(
  bars: readonly Bar[],
  one: number,
  other: number,
  widthS: number,
): { from: number; to: number } {
  const [first, last] = [Math.min(one, other), Math.max(one, other)]
  return {
    from: Math.floor((bars[first]?.startMs ?? 0) / 1000),
    to: Math.floor((bars[last]?.startMs ?? 0) / 1000) + widthS,
  }
}
