import { describe, expect, it } from 'vitest'
import { statesByTask } from './task-runs.model'
import { extentsOf } from './timeline-parts.model'
import { run, states, tasks } from './timeline-samples'
import { criticalPath, isMap, pathMs, rowsOf, runOf } from './timeline.model'

const extents = extentsOf(states, new Map())
const all = { text: '', families: [] as string[], expanded: new Set<string>() }

describe('rowsOf', () => {
  const keys = (filter: Partial<typeof all>) => rowsOf(states, extents, { ...all, ...filter }).map(({ key }) => key)
  it('orders tasks by their start, those that have none last', () => {
    expect(keys({})).toEqual(['a', 'c', 'b', 'd', 'e'])
  })
  it('orders what waits by when its waiting began', () => {
    const waiting = statesByTask(tasks, [run('a', 0, 10), run('d', null, null, 'Queued', { sinceMs: 20 })])
    expect(rowsOf(waiting, extentsOf(waiting, new Map()), all).map(({ key }) => key)).toEqual(['a', 'd', 'b', 'c', 'e'])
  })
  it('shows children below a task that is unfolded', () => {
    expect(keys({ expanded: new Set(['b']) })).toEqual(['a', 'c', 'b', 'b0', 'b1', 'd', 'e'])
  })
  it('keeps tasks, and children, of the families asked for', () => {
    expect(keys({ families: ['Failed'], expanded: new Set(['b']) })).toEqual(['b', 'b1'])
    expect(keys({ text: 'C' })).toEqual(['c'])
  })
  it('stand for a run, or for the children of a mapped task', () => {
    const rows = rowsOf(states, extents, { ...all, expanded: new Set(['b']) })
    expect(rows.filter(isMap).map(({ key }) => key)).toEqual(['b'])
    expect(rows.map((row) => runOf(row)?.id)).toEqual(['a-1', 'c-1', 'b-1', 'b0', 'b1', 'd-1', undefined])
  })
})

describe('criticalPath', () => {
  const pathOf = (...runs: ReturnType<typeof run>[]) => {
    const made = extentsOf(statesByTask(tasks, runs), new Map())
    const path = criticalPath(tasks, made, 1000)
    return { path, ms: pathMs(path, made, 1000) }
  }
  it('goes back over whoever ended last', () => {
    const path = criticalPath(tasks, extents, 1000)
    expect(path).toEqual(['a', 'b', 'd'])
    expect(pathMs(path, extents, 1000)).toBe(100 + 370 + 100)
    expect(pathOf()).toEqual({ path: [], ms: 0 })
  })
  it('ends at what runs, or waits, now', () => {
    const before = [run('a', 0, 10), run('b', 10, 20)]
    expect(pathOf(...before, run('c', 10, null, 'Running'))).toEqual({ path: ['a', 'c'], ms: 1000 })
    expect(pathOf(...before, run('c', null, null, 'Queued', { sinceMs: 15 }))).toEqual({ path: ['a', 'c'], ms: 995 })
  })
})
