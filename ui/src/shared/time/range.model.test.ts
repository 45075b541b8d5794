import { describe, expect, it } from 'vitest'
import { RANGES, spanOf } from './range.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 9)
const live = (range: (typeof RANGES)[number], now = NOW) => spanOf({ range, from: 0, to: 0 }, now)

describe('spanOf', () => {
  it.each(RANGES)('shows at least the last %s, and a bit ahead', (range) => {
    const hours = { '1h': 1, '6h': 6, '24h': 24, '7d': 168, '30d': 720 }[range]
    const span = live(range)
    expect(NOW / 1000 - span.startS).toBeGreaterThanOrEqual(hours * 3600 * 0.99)
    expect(span.endS).toBeGreaterThan(NOW / 1000)
    expect(span.buckets).toBeGreaterThan(40)
    expect(span.buckets).toBeLessThan(110)
    expect((span.endS - span.startS) % span.buckets).toBe(0)
  })
  it('stays the same within a bucket', () => {
    expect(live('24h', NOW + 60_000)).toEqual(live('24h'))
    expect(live('24h', NOW + 1_800_000)).not.toEqual(live('24h'))
  })
  it('is what was marked', () => {
    expect(spanOf({ range: '24h', from: 1000, to: 1010 }, NOW)).toEqual({
      startS: 1000,
      endS: 1010,
      buckets: 10,
      isLive: false,
    })
  })
  it('ignores a span that ends before it starts', () => {
    expect(spanOf({ range: '1h', from: 10, to: 5 }, NOW).isLive).toBe(true)
  })
})
