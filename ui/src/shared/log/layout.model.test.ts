import { describe, expect, it } from 'vitest'
import { columnsOf, Layout, ROWS_MAX, rowsOf, scaleOf } from './layout.model'
import { CHUNK } from './plan.model'

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

describe('scaleOf', () => {
  it('is one to one for what a browser can hold', () => {
    expect(scaleOf(1_000_000, 600)).toEqual({ shownPx: 1_000_000, ratio: 1 })
  })
  it('lets the end of a taller log be reached', () => {
    const { shownPx, ratio } = scaleOf(20_000_000, 600)
    expect(shownPx).toBeLessThan(16_000_000)
    expect((shownPx - 600) * ratio + 600).toBeCloseTo(20_000_000, 3)
  })
})

it('columnsOf leaves the room that time, level and task run take', () => {
  expect(columnsOf(1000, true, false) - columnsOf(1000, true, true)).toBe(23)
  expect(columnsOf(374, false, true)).toBeGreaterThan(20)
  expect(columnsOf(50, false, false)).toBe(10)
})
