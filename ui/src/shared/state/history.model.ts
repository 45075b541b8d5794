/** What the states that a run has had tell together. */
import { isA } from './states.model'

export interface PastState {
  state: string
  timestamp: string
}

/** How long the state at a place of a history, newest first, lasted; null for one that nothing follows any more. */
export function lastedMs(states: readonly PastState[], at: number, nowMs: number): number | null {
  const state = states[at]!
  const next = states[at - 1]
  if (next === undefined && isA(state.state, 'Finished')) return null
  return (next === undefined ? nowMs : Date.parse(next.timestamp)) - Date.parse(state.timestamp)
}
