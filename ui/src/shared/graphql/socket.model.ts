/** The rules of a connection that heals: how long to wait, and when a lost connection is worth a word. */

const FIRST_MS = 500
const LONGEST_MS = 15_000

/** How long to wait before the attempt after `failures` failed ones; `jitter` is uniform in [0, 1). */
export function delayMs(failures: number, jitter: number): number {
  const bound = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10))
  return Math.round(bound / 2 + (bound / 2) * jitter)
}

/** After so many failed attempts the page asks over HTTP now and then: a proxy may let no WebSocket through. */
export const FAILURES_BEFORE_POLLING = 2
export const POLL_MS = 5_000

export type Connection = 'connecting' | 'live' | 'polling' | 'lost'

/** What to tell of the connection. */
export function connectionOf(isOpen: boolean, failures: number, doesHttpWork: boolean): Connection {
  if (isOpen) return 'live'
  if (failures === 0) return 'connecting'
  if (failures >= FAILURES_BEFORE_POLLING && doesHttpWork) return 'polling'
  return 'lost'
}
