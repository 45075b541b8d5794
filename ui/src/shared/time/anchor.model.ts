/**
 * The present as questions about what is planned take it: in steps, and only as often as the answer asks for it, so that
 * nothing is asked while nothing changes.
 */
import { instantMs } from '@/shared/format/time.model'

/** A run that should have been picked up this long ago is late. */
export const LATE_S = 15

/** The present in steps of a quarter of a minute; in seconds. */
export function anchorOf(nowMs: number): number {
  return Math.floor(nowMs / 1000 / LATE_S) * LATE_S
}

/** The present to ask with: it moves on when the first planned run has become due, and not before. */
export function nextAnchor(anchorS: number, firstDue: string | null, nowMs: number): number {
  const due = instantMs(firstDue)
  const present = anchorOf(nowMs)
  return due !== null && due < present * 1000 ? Math.max(anchorS, present) : anchorS
}

/** The earliest of some instants; null where there is none. */
export function earliest(instants: readonly (string | null | undefined)[]): string | null {
  const known = instants.filter((each): each is string => Boolean(each))
  return known.reduce<string | null>(
    (first, each) => (first === null || (instantMs(each) ?? 0) < (instantMs(first) ?? 0) ? each : first),
    null,
  )
}
