/** Draws the timeline on a canvas: time, the rows in sight, the present. What is drawn says `timeline-bars.model`. */
import type { Tick } from '@/shared/charts/axis.model'
import { stateColor } from '@/shared/state/colors'
import { axisLabels } from './timeline-axis.model'
import { AXIS, DASH, ROW, shapesOf, xOf, type Plot, type Shape } from './timeline-bars.model'
import type { Row } from './timeline.model'

export interface Scene {
  plot: Plot
  height: number
  rows: readonly Row[]
  scrollTop: number
  ticks: readonly Tick[]
  /** The tasks that stand out; null where all do. */
  lit: ReadonlySet<string> | null
  /** The key of the row that is pointed at. */
  pointed: string | null
  /** Where the present is drawn; null where the run has ended. */
  presentMs: number | null
}

export interface Ink {
  plain: string
  soft: string
  line: string
  hover: string
  surface: string
  font: string
}

const UNLIT = 0.3
const FAINT = 0.28

/** The colours and the font of the present theme. */
export function inkOf(): Ink {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string) => style.getPropertyValue(name).trim()
  return {
    plain: read('--ink'),
    soft: read('--ink-soft'),
    line: read('--line'),
    hover: read('--hover'),
    surface: read('--surface'),
    font: `11px ${read('--font')}`,
  }
}

/** Draws a scene; the pen is in pixels of the page. */
export function paint(pen: CanvasRenderingContext2D, scene: Scene, ink: Ink): void {
  const { plot, height, rows, scrollTop, ticks } = scene
  pen.clearRect(0, 0, plot.width, height)
  pen.textBaseline = 'middle'
  pen.strokeStyle = ink.line
  pen.lineWidth = 1
  for (const tick of ticks) vertical(pen, xOf(plot, tick.at), height)
  const first = Math.max(0, Math.floor(scrollTop / ROW))
  const last = Math.min(rows.length, Math.ceil((scrollTop + height) / ROW))
  for (let index = first; index < last; index += 1) {
    const row = rows[index]!
    const y = AXIS + index * ROW - scrollTop
    if (row.key === scene.pointed) {
      pen.fillStyle = ink.hover
      pen.fillRect(0, y, plot.width, ROW)
    }
    const alpha = scene.lit === null || scene.lit.has(row.state.task.id) ? 1 : UNLIT
    const ground = row.key === scene.pointed ? ink.hover : ink.surface
    for (const shape of shapesOf(row, y, plot)) draw(pen, shape, alpha, ink, ground)
  }
  pen.globalAlpha = 1
  if (scene.presentMs !== null) {
    pen.strokeStyle = ink.soft
    pen.lineWidth = 1
    pen.setLineDash([2, 3])
    vertical(pen, xOf(plot, scene.presentMs), height)
    pen.setLineDash([])
  }
  axis(pen, scene, ink)
}

function axis(pen: CanvasRenderingContext2D, { plot, ticks }: Scene, ink: Ink): void {
  pen.fillStyle = ink.surface
  pen.fillRect(0, 0, plot.width, AXIS)
  for (const label of axisLabels(ticks, plot.width, (ms) => xOf(plot, ms), plot.textWidth)) {
    pen.fillStyle = label.isMajor ? ink.plain : ink.soft
    pen.fillText(label.text, label.x, AXIS / 2)
  }
  pen.fillStyle = ink.line
  pen.fillRect(0, AXIS - 1, plot.width, 1)
}

function vertical(pen: CanvasRenderingContext2D, x: number, height: number): void {
  pen.beginPath()
  pen.moveTo(Math.round(x) + 0.5, AXIS)
  pen.lineTo(Math.round(x) + 0.5, height)
  pen.stroke()
}

function draw(pen: CanvasRenderingContext2D, shape: Shape, alpha: number, ink: Ink, ground: string): void {
  pen.globalAlpha = alpha
  if (shape.kind === 'note') {
    // No line of the grid goes through what is read.
    pen.globalAlpha = 1
    pen.fillStyle = ground
    pen.fillRect(shape.x - 2, shape.y - 7, shape.width + 4, 14)
    pen.globalAlpha = alpha
    pen.fillStyle = ink.soft
    pen.fillText(shape.text, shape.x, shape.y + 0.5)
    return
  }
  pen.fillStyle = pen.strokeStyle = stateColor(shape.state)
  pen.lineWidth = 1.5
  switch (shape.kind) {
    case 'bar':
      if (shape.isFaint) pen.globalAlpha = alpha * FAINT
      pen.beginPath()
      pen.roundRect(shape.x, shape.y, shape.width, shape.height, Math.min(3, shape.width / 2))
      pen.fill()
      break
    case 'wait':
      pen.setLineDash([DASH / 2, DASH / 2])
      pen.beginPath()
      pen.moveTo(shape.fromX, shape.y)
      pen.lineTo(shape.toX, shape.y)
      pen.stroke()
      pen.setLineDash([])
      break
    case 'mark':
      pen.strokeRect(shape.x - 3, shape.y - 3, 6, 6)
      break
    case 'columns':
      pen.beginPath()
      shape.heights.forEach((height, x) => {
        if (height > 0) pen.rect(x, shape.base - height, 1, height)
      })
      pen.fill()
      break
    case 'stroke':
      pen.fillRect(shape.x, shape.y, 2.5, shape.height)
  }
}
