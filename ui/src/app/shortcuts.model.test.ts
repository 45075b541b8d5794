import { describe, expect, it } from 'vitest'
import { onKey, type Pressed } from './shortcuts.model'

const plain = (key: string): Pressed => ({ key, hasModifier: false, isTyping: false })
const none = { goAtMs: null }

describe('onKey', () => {
  it('goes to a page by g and its letter, for a moment', () => {
    const { keys, act } = onKey(none, plain('g'), 1000)
    expect(act).toBeNull()
    expect(onKey(keys, plain('r'), 1500)).toEqual({ keys: none, act: { kind: 'go', letter: 'r' } })
    expect(onKey(keys, plain('r'), 3000).act).toBeNull()
    expect(onKey(keys, plain('?'), 1500).act).toEqual({ kind: 'help' })
  })
  it('leaves alone what is typed into a field', () => {
    for (const key of ['?', '/', 't', 'g']) {
      expect(onKey(none, { ...plain(key), isTyping: true }, 0)).toEqual({ keys: none, act: null })
    }
  })
  it('opens the palette even from a field', () => {
    expect(onKey(none, { key: 'K', hasModifier: true, isTyping: true }, 0).act).toEqual({ kind: 'palette' })
    expect(onKey(none, { key: 'c', hasModifier: true, isTyping: false }, 0).act).toBeNull()
  })
})
