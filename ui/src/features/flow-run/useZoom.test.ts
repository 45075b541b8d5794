import { effectScope, nextTick, shallowRef, type EffectScope } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { seen, type View } from './timeline-view.model'
import { useZoom, type Zoom } from './useZoom'

const WHOLE = { fromMs: 0, toMs: 1000 }
let scope: EffectScope
let zoom: Zoom
/** What the address held, oldest first; `at` is where one is. */
let entries: (View | null)[]
const address = shallowRef<View | null>(null)

function start(written: View | null): void {
  entries = [written]
  address.value = written
  scope = effectScope()
  zoom = scope.run(() =>
    useZoom(
      () => WHOLE,
      () => address.value,
      (view, how) => {
        // The address keeps what was written into it, to a tenth of a millisecond.
        const kept = view === null ? null : seen().read(seen().write(view))
        if (how === 'push') entries.push(kept)
        else entries[entries.length - 1] = kept
        address.value = kept
      },
    ),
  )!
}

async function settle(): Promise<void> {
  vi.runAllTimers()
  await nextTick()
}

async function goBack(): Promise<void> {
  entries.pop()
  address.value = entries.at(-1)!
  await nextTick()
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  scope.stop()
  vi.useRealTimers()
})

describe('useZoom', () => {
  it('shows what the address says', () => {
    start({ fromMs: 100, toMs: 200 })
    expect(zoom.view.value).toEqual({ fromMs: 100, toMs: 200 })
  })
  it('makes one step of zooming in, which Back undoes', async () => {
    start(null)
    zoom.zoomBy(0.5)
    await settle()
    zoom.zoomBy(0.5)
    await settle()
    expect(entries).toEqual([null, { fromMs: 375, toMs: 625 }])
    await goBack()
    expect(zoom.view.value).toEqual(WHOLE)
  })
  it('makes a step of showing all of it again', async () => {
    start({ fromMs: 100, toMs: 200 })
    zoom.reset()
    await settle()
    expect(entries).toEqual([{ fromMs: 100, toMs: 200 }, null])
    await goBack()
    expect(zoom.view.value).toEqual({ fromMs: 100, toMs: 200 })
  })
  it('makes no step of moving along, and writes once it stands still', async () => {
    start(null)
    for (let moved = 0; moved < 50; moved += 1) zoom.panBy(0.01)
    expect(entries).toEqual([null])
    expect(zoom.view.value).toEqual({ fromMs: expect.closeTo(500), toMs: expect.closeTo(1500) })
    await settle()
    expect(entries).toEqual([{ fromMs: 500, toMs: 1500 }])
  })
  it('goes on from where it is while an earlier view comes into the address', async () => {
    start(null)
    zoom.panBy(0.1)
    vi.runAllTimers()
    zoom.panBy(0.1)
    await nextTick()
    expect(zoom.view.value.fromMs).toBeCloseTo(200)
    await settle()
    expect(entries).toEqual([{ fromMs: 200, toMs: 1200 }])
  })
  it('writes nothing more once its page is gone', () => {
    start(null)
    zoom.zoomBy(0.5)
    scope.stop()
    vi.runAllTimers()
    expect(entries).toEqual([null])
  })
})
