/**
 * Where the nodes of a directed graph stand, from top to bottom or from left to right.
 *
 * Up to `DAGRE_MAX` nodes dagre does it, which crosses few edges; beyond, where it would hold up the page for seconds,
 * a layout by layers that takes time in proportion to the graph: longest path, then barycentres.
 */
import dagre from '@dagrejs/dagre'

export const DAGRE_MAX = 250

export interface Node {
  id: string
}

export interface Edge {
  from: string
  to: string
}

export interface Placed {
  /** The centre of each node. */
  nodes: Map<string, { x: number; y: number }>
  /** The corners of each edge, in the order given. */
  edges: { from: string; to: string; points: { x: number; y: number }[] }[]
  width: number
  height: number
}

export interface Sizes {
  width: number
  height: number
  gapAlong: number
  gapAcross: number
}

export interface View {
  x: number
  y: number
  scale: number
}

/**
 * How a graph is first shown in a box: whole and in the middle if that leaves it at `least` or larger; else at that scale,
 * from its start on, or so that the node `id` is in sight.
 */
export function firstView(
  place: Placed,
  box: { width: number; height: number },
  least: number,
  id: string | null,
): View {
  const { width, height } = place
  const scale = Math.min(1, Math.max(least, Math.min(box.width / width, box.height / height)))
  const at = id === null ? undefined : place.nodes.get(id)
  const along = (size: number, room: number, wanted: number | undefined) =>
    size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, room / 2 - (wanted ?? 0)))
  return {
    scale,
    x: along(width * scale, box.width, at && at.x * scale),
    y: along(height * scale, box.height, (at?.y ?? height / 2) * scale),
  }
}

/** Places the nodes; a graph may be empty, and may have nodes without edges. */
export function placed(nodes: readonly Node[], edges: readonly Edge[], sizes: Sizes): Placed {
  if (nodes.length === 0) return { nodes: new Map(), edges: [], width: 0, height: 0 }
  return nodes.length <= DAGRE_MAX ? byDagre(nodes, edges, sizes) : byLayers(nodes, edges, sizes)
}

function byDagre(nodes: readonly Node[], edges: readonly Edge[], sizes: Sizes): Placed {
  const graph = new dagre.graphlib.Graph({ multigraph: true })
  graph.setGraph({ rankdir: 'LR', nodesep: sizes.gapAcross, ranksep: sizes.gapAlong, marginx: 24, marginy: 24 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const { id } of nodes) graph.setNode(id, { width: sizes.width, height: sizes.height })
  edges.forEach(({ from, to }, index) => graph.setEdge(from, to, {}, String(index)))
  dagre.layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  return {
    nodes: new Map(nodes.map(({ id }) => [id, { x: graph.node(id).x, y: graph.node(id).y }])),
    edges: edges.map(({ from, to }, index) => ({ from, to, points: graph.edge(from, to, String(index)).points ?? [] })),
    width,
    height,
  }
}

/** The layer of each node: one after the last of those before it. What is in a circle comes first. */
export function layersOf(nodes: readonly Node[], edges: readonly Edge[]): string[][] {
  const after = new Map<string, string[]>(nodes.map(({ id }) => [id, []]))
  const missing = new Map<string, number>(nodes.map(({ id }) => [id, 0]))
  for (const { from, to } of edges) {
    after.get(from)?.push(to)
    missing.set(to, (missing.get(to) ?? 0) + 1)
  }
  const layer = new Map<string, number>(nodes.map(({ id }) => [id, 0]))
  const ready = nodes.filter(({ id }) => missing.get(id) === 0).map(({ id }) => id)
  for (let at = 0; at < ready.length; at += 1) {
    const id = ready[at]!
    for (const next of after.get(id) ?? []) {
      layer.set(next, Math.max(layer.get(next)!, layer.get(id)! + 1))
      const left = missing.get(next)! - 1
      missing.set(next, left)
      if (left === 0) ready.push(next)
    }
  }
  const layers: string[][] = []
  for (const { id } of nodes) (layers[layer.get(id)!] ??= []).push(id)
  return Array.from(layers, (each) => each ?? [])
}

const SWEEPS = 4

function byLayers(nodes: readonly Node[], edges: readonly Edge[], sizes: Sizes): Placed {
  const layers = layersOf(nodes, edges)
  const before = new Map<string, string[]>()
  const after = new Map<string, string[]>()
  for (const { from, to } of edges) {
    before.set(to, [...(before.get(to) ?? []), from])
    after.set(from, [...(after.get(from) ?? []), to])
  }
  const rank = new Map<string, number>()
  const number = (layer: string[]) => layer.forEach((id, index) => rank.set(id, index - layer.length / 2))
  layers.forEach(number)
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isDown = sweep % 2 === 0
    const neighbours = isDown ? before : after
    for (const layer of isDown ? layers : [...layers].reverse()) {
      const centre = (id: string) => {
        const near = neighbours.get(id) ?? []
        return near.length === 0 ? rank.get(id)! : near.reduce((sum, each) => sum + rank.get(each)!, 0) / near.length
      }
      const centres = new Map(layer.map((id) => [id, centre(id)]))
      layer.sort((one, other) => centres.get(one)! - centres.get(other)!)
      number(layer)
    }
  }
  const [stepX, stepY] = [sizes.width + sizes.gapAlong, sizes.height + sizes.gapAcross]
  const tallest = Math.max(...layers.map((layer) => layer.length))
  const places = new Map<string, { x: number; y: number }>()
  layers.forEach((layer, column) =>
    layer.forEach((id, index) =>
      places.set(id, {
        x: 24 + sizes.width / 2 + column * stepX,
        y: 24 + sizes.height / 2 + (index + (tallest - layer.length) / 2) * stepY,
      }),
    ),
  )
  return {
    nodes: places,
    edges: edges.map(({ from, to }) => ({ from, to, points: [places.get(from)!, places.get(to)!] })),
    width: 48 + layers.length * stepX - sizes.gapAlong,
    height: 48 + tallest * stepY - sizes.gapAcross,
  }
}

/** The path of an edge as a curve from the right side of one node to the left side of the other. */
export function curve(
  from: { x: number; y: number },
  to: { x: number; y: number },
  between: readonly { x: number; y: number }[],
  width: number,
): string {
  const start = { x: from.x + width / 2, y: from.y }
  const end = { x: to.x - width / 2, y: to.y }
  const stops = [start, ...between.filter(({ x }) => x > start.x + 8 && x < end.x - 8), end]
  let path = `M${round(start.x)},${round(start.y)}`
  for (let at = 1; at < stops.length; at += 1) {
    const [a, b] = [stops[at - 1]!, stops[at]!]
    const middle = (a.x + b.x) / 2
    path += `C${round(middle)},${round(a.y)} ${round(middle)},${round(b.y)} ${round(b.x)},${round(b.y)}`
  }
  return path
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
