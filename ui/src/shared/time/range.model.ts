/**
 * The span of time that a page looks at: the last hours up to now and a bit ahead, or a span that somebody marked.
 *
 * A span up to now moves in steps of one bucket, so that the question to the server stays the same in between.
 */
import { choice, whole, type Values } from '@/shared/url/query.model'

export const RANGES = ['1h', '6h', '24h', '7d', '30d'] as const
export type RangeName = (typeof RANGES)[number]

const HOUR_S = 3600
const LENGTH_S: Record<RangeName, number> = {
  '1h': HOUR_S,
  '6h': 6 * HOUR_S,
  '24h': 24 * HOUR_S,
  '7d': 7 * 24 * HOUR_S,
  '30d': 30 * 24 * HOUR_S,
}
const BUCKETS = 72
/** What is planned is shown too: this part of the span lies ahead. */
const AHEAD = 1 / 9

/** What a page with a span keeps in the address; `from` and `to` are seconds since 1970, 0 where nothing is marked. */
export const RANGE_QUERY = {
  range: choice(RANGES, '24h'),
  from: whole(0),
  to: whole(0),
}

export interface Span {
  startS: number
  endS: number
  buckets: number
  /** Whether it moves with the present. */
  isLive: boolean
}

/** The span that an address means at an instant. */
export function spanOf({ range, from, to }: Values<typeof RANGE_QUERY>, nowMs: number): Span {
  if (from > 0 && to > from) {
    const buckets = Math.min(BUCKETS, to - from)
    return { startS: from, endS: to, buckets, isLive: false }
  }
  const bucketS = LENGTH_S[range] / (BUCKETS * (1 - AHEAD))
  const step = niceStepS(bucketS)
  const past = Math.ceil(LENGTH_S[range] / step) + 1
  const ahead = Math.max(1, Math.round(past * (AHEAD / (1 - AHEAD))))
  const buckets = past + ahead
  const endS = (Math.floor(nowMs / 1000 / step) + 1 + ahead) * step
  return { startS: endS - buckets * step, endS, buckets, isLive: true }
}

const STEPS_S = [10, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400]

function niceStepS(wanted: number): number {
  return STEPS_S.find((step) => step >= wanted * 0.9) ?? 86_400
}

/** The instant as the API takes it. */
export function instantOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}
