/** Where the lines of a log stand on the page, and which of them are seen. */
import { CHUNK } from './plan.model'

/** How many rows of the page a message takes: its lines, each broken after `columns` signs (0: never), bounded. */
export function rowsOf(message: string | null, columns: number, most = ROWS_MAX): number {
  if (message === null || (columns === 0 && !message.includes('\n'))) return 1
  let rows = 0
  for (const line of message.replace(/\n+$/, '').split('\n')) {
    rows += columns === 0 ? 1 : Math.max(1, Math.ceil(widthOf(line) / columns))
    if (rows >= most) return most
  }
  return rows
}

/** A message beyond this is cut; the download has all of it. */
export const ROWS_MAX = 400

function widthOf(line: string): number {
  if (/^[\x20-\x7e]*$/.test(line)) return line.length
  let width = 0
  for (const sign of line) width += sign.codePointAt(0)! >= 0x1100 ? 2 : sign === '\t' ? 8 : 1
  return width
}

/**
 * Where lines stand, in rows: each takes one, and what is known to take more takes that. Kept by chunks, so that a
 * million lines are four thousand numbers.
 */
export class Layout {
  private readonly extras = new Map<number, number[]>()
  private sums: Float64Array = new Float64Array(1)

  constructor(public count: number) {
    this.rebuild()
  }

  /** Takes note of how many lines there are. */
  resize(count: number): void {
    this.count = count
    this.rebuild()
  }

  /** Takes note of how many rows the lines of a chunk take. */
  measure(chunk: number, rows: readonly number[]): void {
    this.extras.set(
      chunk,
      rows.map((each) => each - 1),
    )
    this.rebuild()
  }

  /** Forgets what was measured: the width has changed. */
  forget(): void {
    this.extras.clear()
    this.rebuild()
  }

  /** The number of rows of everything. */
  get rows(): number {
    return this.count + this.sums.at(-1)!
  }

  /** The row at which a line begins. */
  rowOf(index: number): number {
    const chunk = Math.floor(index / CHUNK)
    let row = index + this.sums[Math.min(chunk, this.sums.length - 1)]!
    const extras = this.extras.get(chunk)
    if (extras !== undefined) for (let at = 0; at < index - chunk * CHUNK; at += 1) row += extras[at] ?? 0
    return row
  }

  /** The line that stands in a row. */
  indexAt(row: number): number {
    let [low, high] = [0, this.sums.length - 2]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (middle * CHUNK + this.sums[middle]! <= row) low = middle
      else high = middle - 1
    }
    low = Math.max(0, low)
    let at = low * CHUNK + (this.sums[low] ?? 0)
    const extras = this.extras.get(low)
    for (let index = low * CHUNK; index < Math.min(this.count, (low + 1) * CHUNK); index += 1) {
      at += 1 + (extras?.[index - low * CHUNK] ?? 0)
      if (row < at) return index
    }
    return Math.max(0, Math.min(this.count, (low + 1) * CHUNK) - 1)
  }

  private rebuild(): void {
    const chunks = Math.max(1, Math.ceil(this.count / CHUNK))
    const sums = new Float64Array(chunks + 1)
    for (let chunk = 0; chunk < chunks; chunk += 1) {
      sums[chunk + 1] = sums[chunk]! + (this.extras.get(chunk)?.reduce((sum, each) => sum + each, 0) ?? 0)
    }
    this.sums = sums
  }
}

/** Browsers bound how tall an element may be; a taller log is scrolled in steps that are a bit larger. */
const TALLEST_PX = 15_000_000

/** How tall the log is in the browser, and how many pixels of the log one of its pixels is. */
export function scaleOf(totalPx: number, heightPx: number): { shownPx: number; ratio: number } {
  if (totalPx <= TALLEST_PX) return { shownPx: totalPx, ratio: 1 }
  return { shownPx: TALLEST_PX, ratio: (totalPx - heightPx) / (TALLEST_PX - heightPx) }
}

const CHAR_PX = 7.2
const GAP_PX = 12
const PADDING_PX = 32
const SCROLLBAR_PX = 16

/** How many signs of a message a line of the page takes, beside the time, the level and the task run. */
export function columnsOf(widthPx: number, isWide: boolean, hasTaskRuns: boolean): number {
  const level = (isWide ? 8 : 1) * CHAR_PX + GAP_PX
  const owner = isWide && hasTaskRuns ? 160 + GAP_PX : 0
  const time = 12 * CHAR_PX + GAP_PX
  return Math.max(10, Math.floor((widthPx - time - level - owner - PADDING_PX - SCROLLBAR_PX) / CHAR_PX))
}
