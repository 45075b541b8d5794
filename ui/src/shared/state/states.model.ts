/** The states of runs: families, colours and order, from the server's table (generated/states.json). */
import table from '@/generated/states.json'

interface StateInfo {
  color: string
  meaning: string
}

const HIERARCHY: Record<string, string[]> = table.state_hierarchy
const INFO: Record<string, StateInfo> = table.state_info

/** The families that a person thinks in, most urgent first. */
export const FAMILIES = ['Failed', 'Running', 'Waiting', 'Cancelled', 'Success', 'Other'] as const
export type Family = (typeof FAMILIES)[number]

/** What is drawn for a state, so that colour is not all that tells states apart. */
export type Glyph =
  'cross' | 'spin' | 'ring' | 'clock' | 'pause' | 'retry' | 'dots' | 'slash' | 'check' | 'skip' | 'map'

const GLYPHS: Record<string, Glyph> = {
  Scheduled: 'clock',
  Paused: 'pause',
  Resume: 'clock',
  Retrying: 'retry',
  Submitted: 'dots',
  Queued: 'dots',
  ClientFailed: 'cross',
  Cancelling: 'slash',
  Cancelled: 'slash',
  Looped: 'retry',
  Cached: 'skip',
  Skipped: 'skip',
  Mapped: 'map',
}

/** Every state that a run can be in. */
export const STATES: readonly string[] = Object.keys(INFO).filter((name) => INFO[name]?.color !== '#000000')

/** Whether a state is of a family of the server's table, as `Success` or `Finished`. */
export function isA(state: string, ancestor: string): boolean {
  return HIERARCHY[ancestor]?.includes(state) ?? false
}

/** The states of a family of the server's table, itself included. */
export function descendants(name: string): string[] {
  return HIERARCHY[name] ?? []
}

/** The states in which a run still has something before it. */
export const UNFINISHED: readonly string[] = STATES.filter((state) => !isA(state, 'Finished'))

/** The family in which a person counts a state. */
export function familyOf(state: string | null): Family {
  if (state === null) return 'Other'
  if (isA(state, 'Failed') || state === 'ClientFailed') return 'Failed'
  if (isA(state, 'Running') || state === 'Submitted') return 'Running'
  if (isA(state, 'Pending') || state === 'Queued') return 'Waiting'
  if (state === 'Cancelled') return 'Cancelled'
  if (isA(state, 'Finished')) return 'Success'
  return 'Other'
}

/** The states of each family, for conditions. */
export function statesOf(family: Family): string[] {
  return STATES.filter((state) => familyOf(state) === family)
}

/** The state whose colour stands for a family. */
export function memberOf(family: Family): string {
  return { Waiting: 'Scheduled', Other: 'Pending' }[family as 'Waiting'] ?? family
}

/** What to draw for a state. */
export function glyphOf(state: string | null): Glyph {
  if (state === null) return 'ring'
  const own = GLYPHS[state]
  if (own !== undefined) return own
  const family = familyOf(state)
  return { Failed: 'cross', Running: 'spin', Waiting: 'ring', Cancelled: 'slash', Success: 'check', Other: 'ring' }[
    family
  ] as Glyph
}

/** The colour of the server's table; grey for a state that it does not know. */
export function colorOf(state: string | null): string {
  return (state !== null && INFO[state]?.color) || '#9a949e'
}

/** What a state means, in one sentence. */
export function meaningOf(state: string): string {
  return INFO[state]?.meaning ?? ''
}

/** The name as people write it: `TimedOut` is `Timed out`. */
export function nameOf(state: string): string {
  return state.replace(/(?<=[a-z])([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
}
