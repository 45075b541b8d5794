import { describe, expect, it } from 'vitest'
import { extentsOf } from './timeline-parts.model'
import { states } from './timeline-samples'
import { panned, seen, wholeView, within, zoomed } from './timeline-view.model'

const extents = extentsOf(states, new Map())
const whole = wholeView(extents, 0, 1000, 1000)!

describe('wholeView', () => {
  it('begins a little before the first start and ends a little after the last end', () => {
    expect(whole).toEqual({ fromMs: -12, toMs: 624 })
  })
  it('reaches to now while the run goes on, though none of its tasks does', () => {
    expect(wholeView(extents, 0, null, 10_000)).toEqual({ fromMs: -200, toMs: 10_400 })
  })
  it('is nothing when nothing has begun, and short when it has just done so', () => {
    expect(wholeView(new Map(), null, null, 90_000)).toBeNull()
    expect(wholeView(new Map(), null, 90_000, 90_000)).toBeNull()
    const view = wholeView(new Map(), 90_000, null, 90_000)!
    expect(view.toMs - view.fromMs).toBeGreaterThan(5)
  })
})

describe('views', () => {
  it('zoom about an instant, within bounds', () => {
    const view = zoomed({ fromMs: 0, toMs: 100 }, 0.5, 25, whole)
    expect(view).toEqual({ fromMs: 12.5, toMs: 62.5 })
    expect(zoomed(view, 1e-9, 25, whole).toMs - zoomed(view, 1e-9, 25, whole).fromMs).toBeCloseTo(5)
    expect(zoomed(view, 1e9, 25, whole).toMs).toBeLessThan(2000)
  })
  it('never lose the run out of sight', () => {
    const view = panned({ fromMs: 0, toMs: 100 }, 1e9, whole)
    expect(view.fromMs).toBeLessThan(whole.toMs)
    expect(panned({ fromMs: 0, toMs: 100 }, -1e9, whole).toMs).toBeGreaterThan(whole.fromMs)
  })
  it('that a link asks for are of this run', () => {
    expect(within({ fromMs: 100, toMs: 200 }, whole)).toEqual({ fromMs: 100, toMs: 200 })
    const far = within({ fromMs: 5e9, toMs: 6e12 }, whole)
    expect(far.fromMs).toBeLessThan(whole.toMs)
    expect(far.toMs - far.fromMs).toBeCloseTo(2 * 636)
  })
})

describe('seen', () => {
  const { read, write, initial } = seen()
  it('stands in the address to a tenth of a millisecond', () => {
    const text = '1764250000000-1764250060000.5'
    expect(read(text)).toEqual({ fromMs: 1764250000000, toMs: 1764250060000.5 })
    expect(write(read(text))).toBe(text)
    expect(write({ fromMs: 1.26, toMs: 7.01 })).toBe('1.3-7')
    expect(write(initial)).toBe('')
  })
  it.each(['', '5', '5-5', '9-5', '-5-9', 'a-b', '1e9-2e9', '1-2-3', 'Infinity-Infinity'])('is not %s', (text) => {
    expect(read(text)).toBeNull()
  })
})
