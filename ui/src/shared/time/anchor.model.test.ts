import { expect, it } from 'vitest'
import { anchorOf, earliest, nextAnchor } from './anchor.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 39)
const dueIn = (seconds: number) => new Date(NOW + seconds * 1000).toISOString()

it('stays the same for a quarter of a minute', () => {
  expect(anchorOf(NOW)).toBe(anchorOf(NOW + 5000))
  expect(anchorOf(NOW)).not.toBe(anchorOf(NOW + 15_000))
})

it('moves on when the first planned run has become due, and not before', () => {
  const anchor = anchorOf(NOW) - 600
  expect(nextAnchor(anchor, null, NOW)).toBe(anchor)
  expect(nextAnchor(anchor, dueIn(60), NOW)).toBe(anchor)
  expect(nextAnchor(anchor, dueIn(-60), NOW)).toBe(anchorOf(NOW))
  expect(nextAnchor(anchorOf(NOW), dueIn(-60), NOW)).toBe(anchorOf(NOW))
})

it('finds the earliest, whatever its offset', () => {
  expect(earliest([null, dueIn(9), undefined, dueIn(3)])).toBe(dueIn(3))
  expect(earliest(['2026-01-01T01:00:00+02:00', '2026-01-01T00:00:00+00:00'])).toBe('2026-01-01T01:00:00+02:00')
  expect(earliest([null])).toBeNull()
})
