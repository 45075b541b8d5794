/** Keys that do something anywhere: single keys, and `g` followed by a letter. Not in charge of what is done. */

export interface Pressed {
  key: string
  hasModifier: boolean
  /** Whether the key goes into a field that is being typed in. */
  isTyping: boolean
}

export interface Keys {
  /** When `g` was pressed, while its letter is awaited. */
  goAtMs: number | null
}

export type Act = { kind: 'go'; letter: string } | { kind: 'palette' | 'help' | 'find' | 'theme' } | null

const PATIENCE_MS = 1500

/** What a key does, and what is remembered for the next. */
export function onKey(keys: Keys, { key, hasModifier, isTyping }: Pressed, nowMs: number): { keys: Keys; act: Act } {
  const none: Keys = { goAtMs: null }
  if (hasModifier) return { keys: none, act: key.toLowerCase() === 'k' ? { kind: 'palette' } : null }
  if (isTyping) return { keys: none, act: null }
  if (keys.goAtMs !== null && nowMs - keys.goAtMs < PATIENCE_MS && /^[a-z]$/.test(key)) {
    return { keys: none, act: { kind: 'go', letter: key } }
  }
  if (key === 'g') return { keys: { goAtMs: nowMs }, act: null }
  if (key === '?') return { keys: none, act: { kind: 'help' } }
  if (key === '/') return { keys: none, act: { kind: 'find' } }
  if (key === 't') return { keys: none, act: { kind: 'theme' } }
  return { keys: none, act: null }
}

/** What the list of shortcuts tells, beside the pages. */
export const GENERAL: readonly { keys: readonly string[]; what: string }[] = [
  { keys: ['Ctrl', 'K'], what: 'Find anything, do anything' },
  { keys: ['/'], what: 'Find on this page' },
  { keys: ['t'], what: 'Light or dark' },
  { keys: ['?'], what: 'This list' },
  { keys: ['+', '-', '0'], what: 'Zoom a timeline or a graph, and show all of it' },
  {
    keys: ['←', '→'],
    what: 'Pan a timeline; walk along a histogram, with Shift to mark a span, Enter to zoom into it',
  },
]
