import { describe, expect, it } from 'vitest'
import { statesByTask } from './task-runs.model'
import { ROW, shapesOf, xOf, type Plot } from './timeline-bars.model'
import { extentsOf, type Histories } from './timeline-parts.model'
import { run, states, tasks } from './timeline-samples'
import { rowsOf } from './timeline.model'

function shapes(key: string, given = states, changes: Partial<Plot> = {}) {
  const histories: Histories = changes.histories ?? new Map()
  const extents = extentsOf(given, histories)
  const rows = rowsOf(given, extents, { text: '', families: [], expanded: new Set(['b']) })
  const view = { fromMs: 0, toMs: 1000 }
  const plot: Plot = { view, width: 500, nowMs: 1000, extents, textWidth: () => 40, ...changes, histories }
  return shapesOf(
    rows.find((row) => row.key === key)!,
    0,
    plot,
  )
}

it('xOf is in proportion to time', () => {
  expect(xOf({ view: { fromMs: 100, toMs: 300 }, width: 50 }, 200)).toBe(25)
})

describe('shapesOf a run', () => {
  it('is a bar with its duration beside it', () => {
    expect(shapes('d')).toEqual([
      { kind: 'bar', state: 'Success', x: 250, y: 6, width: 50, height: 14, isFaint: false },
      { kind: 'note', text: '100 ms', x: 306, y: ROW / 2, width: 40 },
    ])
  })
  it('has its duration before the bar where there is no room after, and none where there is no room at all', () => {
    const notes = (width: number) => shapes('d', states, { view: { fromMs: 480, toMs: 610 }, width }).filter(isNote)
    expect(notes(500)).toEqual([{ kind: 'note', text: '100 ms', x: expect.closeTo(30.9, 1), y: ROW / 2, width: 40 }])
    expect(notes(100)).toEqual([])
  })
  it('tells at which side it is where it is out of sight', () => {
    const view = { fromMs: 200, toMs: 400 }
    expect(shapes('a', states, { view })).toEqual([{ kind: 'note', text: '‹ 100 ms', x: 6, y: ROW / 2, width: 40 }])
    expect(shapes('d', states, { view })).toEqual([{ kind: 'note', text: '100 ms ›', x: 454, y: ROW / 2, width: 40 }])
  })
  it('is a dashed line while it waits, before the start too', () => {
    const waiting = statesByTask(tasks, [run('a', null, null, 'Paused', { sinceMs: 400 })])
    expect(shapes('a', waiting)[0]).toEqual({ kind: 'wait', state: 'Paused', fromX: 200, toX: 500, y: ROW / 2 })
  })
  it('is a mark where it ended without having run, and nothing before it is reached', () => {
    const skipped = statesByTask(tasks, [run('a', null, 500, 'TriggerFailed')])
    expect(shapes('a', skipped)).toEqual([{ kind: 'mark', state: 'TriggerFailed', x: 250, y: ROW / 2 }])
    expect(shapes('e')).toEqual([])
  })
  it('keeps its dashes where they are when its beginning goes out of sight', () => {
    const waiting = statesByTask(tasks, [run('a', null, null, 'Queued', { sinceMs: 0 })])
    const [line] = shapes('a', waiting, { view: { fromMs: 500, toMs: 1000 } })
    expect(line).toMatchObject({ kind: 'wait', toX: 500 })
    const { fromX } = line as { fromX: number }
    expect((fromX + 500) % 6).toBeCloseTo(0)
    expect(fromX).toBeGreaterThan(-20)
  })
})

describe('shapesOf a mapped task', () => {
  it('is the columns of its children on a faint bar, with strokes where they failed', () => {
    const [base, columns, stroke] = shapes('b')
    expect(base).toMatchObject({ kind: 'bar', state: 'Mapped', x: 55, width: 185, isFaint: true })
    expect(columns).toMatchObject({ kind: 'columns', state: 'Success' })
    const { heights } = columns as { heights: Float32Array }
    expect([heights[54], heights[57], heights[80], heights[140]]).toEqual([0, 8, 16, 8])
    expect(stroke).toMatchObject({ kind: 'stroke', state: 'Failed', x: 149 })
  })
  it('reaches to now while children wait for a slot', () => {
    const waiting = statesByTask(tasks, [
      run('b', 100, 200, 'Mapped'),
      run('b', null, null, 'Queued', { index: 0, sinceMs: 600 }),
    ])
    const made = shapes('b', waiting)
    expect(made[0]).toMatchObject({ kind: 'bar', x: 50, width: 450 })
    expect(made).toContainEqual({ kind: 'wait', state: 'Queued', fromX: 300, toX: 500, y: ROW - 2.5 })
  })
  it('has a row for each child when it is unfolded', () => {
    expect(shapes('b1')[0]).toMatchObject({ kind: 'bar', state: 'Failed', x: 60, width: 90, height: 12 })
  })
})

function isNote({ kind }: { kind: string }): boolean {
  return kind === 'note'
}
