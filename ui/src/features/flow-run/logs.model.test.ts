import { describe, expect, it } from 'vitest'
import { anchorsOf, CHUNK, fileLine, Layout, pieces, planOf, ROWS_MAX, rowsOf, whereOf, type Line } from './logs.model'

const line = (timestamp: string, message = 'x'): Line => ({
  ...{ id: timestamp, timestamp, message, level: 'INFO', name: 'prefect', task_run_id: null },
})

describe('whereOf', () => {
  it('is the run alone where nothing is filtered', () => {
    expect(whereOf('r', 'all', ' ', null)).toEqual({ flow_run_id: { _eq: 'r' } })
  })
  it('takes signs of patterns as they are', () => {
    expect(whereOf('r', 'error', '100%_', 't')).toEqual({
      flow_run_id: { _eq: 'r' },
      task_run_id: { _eq: 't' },
      level: { _in: ['ERROR', 'CRITICAL'] },
      message: { _ilike: '%100\\%\\_%' },
    })
  })
})

describe('planOf', () => {
  it('goes from the nearer end', () => {
    expect(planOf(100, 250, 1_000_000, [])).toMatchObject({ isBackward: false, offset: 100, limit: 250 })
    expect(planOf(999_000, 250, 1_000_000, [])).toMatchObject({ isBackward: true, offset: 750, limit: 250 })
    expect(planOf(999_900, 250, 1_000_000, [])).toMatchObject({ isBackward: true, offset: 0, limit: 100 })
  })
  it('goes from the nearest anchor, either way', () => {
    const anchors = [
      { index: 499_000, timestamp: 'a' },
      { index: 600_000, timestamp: 'b' },
    ]
    expect(planOf(500_000, 250, 1_000_000, anchors)).toEqual({
      ...{ timestamp: { _gte: 'a' }, isBackward: false, offset: 1000, limit: 250 },
    })
    expect(planOf(599_500, 250, 1_000_000, anchors)).toEqual({
      ...{ timestamp: { _lt: 'b' }, isBackward: true, offset: 250, limit: 250 },
    })
  })
  it('does without the number of lines', () => {
    expect(planOf(5, 250, null, [])).toEqual({ timestamp: null, isBackward: false, offset: 5, limit: 250 })
  })
})

it('anchorsOf are lines whose instant is new', () => {
  const lines = ['1', '1', '2', '2', '3', '4'].map((each) => line(each))
  expect(anchorsOf(lines, 1000)).toEqual([
    { index: 1002, timestamp: '2' },
    { index: 1005, timestamp: '4' },
  ])
  expect(anchorsOf(lines.slice(0, 2), 0)).toEqual([])
})

describe('rowsOf', () => {
  it.each([
    ['one', 0, 1],
    ['a\nb\n\n', 0, 2],
    ['x'.repeat(100), 40, 3],
    ['x'.repeat(80) + '\n\ny', 40, 4],
    ['漢'.repeat(40), 40, 2],
    [null, 40, 1],
  ])('%j in %d columns', (message, columns, rows) => expect(rowsOf(message, columns)).toBe(rows))
  it('is bounded', () => expect(rowsOf('\n'.repeat(9999) + 'x', 0)).toBe(ROWS_MAX))
})

describe('Layout', () => {
  it('gives every line a row, and those that take more theirs', () => {
    const layout = new Layout(1_000_000)
    expect([layout.rows, layout.rowOf(999_999), layout.indexAt(999_999)]).toEqual([1_000_000, 999_999, 999_999])
    layout.measure(1, [1, 5, 1])
    expect(layout.rows).toBe(1_000_004)
    expect(layout.rowOf(CHUNK + 1)).toBe(CHUNK + 1)
    expect(layout.rowOf(CHUNK + 2)).toBe(CHUNK + 6)
    expect(layout.rowOf(CHUNK * 2)).toBe(CHUNK * 2 + 4)
    for (const row of [CHUNK + 1, CHUNK + 5]) expect(layout.indexAt(row)).toBe(CHUNK + 1)
    expect(layout.indexAt(CHUNK + 6)).toBe(CHUNK + 2)
    expect(layout.indexAt(CHUNK * 2 + 4)).toBe(CHUNK * 2)
    expect(layout.indexAt(9e9)).toBe(999_999)
  })
  it('grows, and forgets', () => {
    const layout = new Layout(0)
    expect([layout.rows, layout.indexAt(0)]).toEqual([0, 0])
    layout.resize(3)
    layout.measure(0, [2, 2, 2])
    expect(layout.rows).toBe(6)
    layout.forget()
    expect(layout.rows).toBe(3)
  })
})

describe('pieces', () => {
  it('keeps apart what was looked for, whatever its case', () => {
    expect(pieces('Error: an ERROR', 'error')).toEqual([
      { text: 'Error', isFound: true },
      { text: ': an ', isFound: false },
      { text: 'ERROR', isFound: true },
    ])
    expect(pieces('<b>x</b>', '')).toEqual([{ text: '<b>x</b>', isFound: false }])
  })
  it('marks nothing where lower case has another length', () => {
    expect(pieces('İx', 'x')).toEqual([{ text: 'İx', isFound: false }])
  })
})

it('fileLine has everything', () => {
  expect(fileLine(line('2026', 'a\nb'))).toBe('2026 INFO     prefect a\nb\n')
})
