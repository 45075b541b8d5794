import { describe, expect, it } from 'vitest'
import { curve, DAGRE_MAX, firstView, layersOf, placed } from './layout.model'

const SIZES = { width: 100, height: 20, gapAlong: 30, gapAcross: 10 }
const nodes = (count: number) => Array.from({ length: count }, (_, index) => ({ id: String(index) }))
const chain = (count: number) =>
  Array.from({ length: count - 1 }, (_, at) => ({ from: String(at), to: String(at + 1) }))

function check(count: number, edges: { from: string; to: string }[]): void {
  const made = placed(nodes(count), edges, SIZES)
  expect(made.nodes.size).toBe(count)
  for (const { from, to } of edges) expect(made.nodes.get(from)!.x).toBeLessThan(made.nodes.get(to)!.x)
  const taken = [...made.nodes.values()].sort((one, other) => one.x - other.x || one.y - other.y)
  taken.forEach((place, index) => {
    const next = taken[index + 1]
    if (next !== undefined && Math.abs(next.x - place.x) < SIZES.width) {
      expect(Math.abs(next.y - place.y)).toBeGreaterThanOrEqual(SIZES.height)
    }
    expect(place.x + SIZES.width / 2).toBeLessThanOrEqual(made.width)
    expect(place.y + SIZES.height / 2).toBeLessThanOrEqual(made.height)
  })
}

describe('firstView', () => {
  const nodes = new Map([
    ['first', { x: 50, y: 50 }],
    ['middle', { x: 500, y: 50 }],
    ['last', { x: 950, y: 50 }],
  ])
  const place = { nodes, edges: [], width: 1000, height: 100 }
  it('shows all in the middle where it fits', () => {
    expect(firstView(place, { width: 1200, height: 300 }, 0.5, 'last')).toEqual({ scale: 1, x: 100, y: 100 })
    expect(firstView(place, { width: 500, height: 100 }, 0.5, null)).toEqual({ scale: 0.5, x: 0, y: 25 })
  })
  it('begins at the start, or shows what is asked for, and nothing beside the graph', () => {
    const box = { width: 400, height: 100 }
    expect(firstView(place, box, 1, null).x).toBeCloseTo(0)
    expect(firstView(place, box, 1, 'gone').x).toBeCloseTo(0)
    expect(firstView(place, box, 1, 'first').x).toBeCloseTo(0)
    expect(firstView(place, box, 1, 'middle').x).toBe(-300)
    expect(firstView(place, box, 1, 'last').x).toBe(-600)
  })
})

describe('placed', () => {
  it('takes nothing', () => expect(placed([], [], SIZES).nodes.size).toBe(0))
  it('stands what comes after to the right, apart from each other', () => {
    check(6, [...chain(3), { from: '0', to: '4' }, { from: '4', to: '2' }])
  })
  it('does so for many', () => {
    const fan = Array.from({ length: DAGRE_MAX }, (_, at) => ({ from: '0', to: String(at + 1) }))
    check(DAGRE_MAX + 10, [...fan, { from: '1', to: String(DAGRE_MAX + 5) }])
  })
  it('draws two edges between the same nodes', () => {
    const twice = [
      { from: '0', to: '1' },
      { from: '0', to: '1' },
    ]
    expect(placed(nodes(2), twice, SIZES).edges).toHaveLength(2)
  })
})

describe('layersOf', () => {
  it('puts a node after the last of those before it', () => {
    expect(layersOf(nodes(4), [...chain(3), { from: '0', to: '2' }])).toEqual([['0', '3'], ['1'], ['2']])
  })
  it('survives a circle', () => {
    const circle = [...chain(3), { from: '2', to: '0' }]
    expect(layersOf(nodes(3), circle).flat()).toHaveLength(3)
  })
})

it('curve goes from side to side', () => {
  const path = curve({ x: 0, y: 0 }, { x: 300, y: 50 }, [{ x: 150, y: 20 }], 100)
  expect(path).toMatch(/^M50,0C.* 150,20C.* 250,50$/)
})
