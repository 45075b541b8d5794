/**
 * A log of any length on one page: which lines to ask for, where each stands, and what a line says.
 *
 * The server gives lines by conditions and an offset, and an offset costs what it skips. A line whose instant differs
 * from the one before it is an anchor: exactly so many lines come before it, so that its neighbours can be asked for
 * without skipping.
 */
import type { LogBoolExp, LogLinesResult } from '@/generated/flow-run'

export type Line = LogLinesResult['log'][number]

export const CHUNK = 250
export const LEVELS = ['all', 'info', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** The condition for lines of a run. */
export function whereOf(flowRunId: string, level: Level, text: string, taskRunId: string | null): LogBoolExp {
  const where: LogBoolExp = { flow_run_id: { _eq: flowRunId } }
  if (taskRunId !== null) where.task_run_id = { _eq: taskRunId }
  if (level === 'info') where.level = { _nin: ['DEBUG', 'NOTSET', 'TRACE'] }
  if (level === 'warning') where.level = { _in: ['WARNING', 'ERROR', 'CRITICAL'] }
  if (level === 'error') where.level = { _in: ['ERROR', 'CRITICAL'] }
  if (text.trim() !== '') where.message = { _ilike: `%${text.trim().replace(/[\\%_]/g, (sign) => `\\${sign}`)}%` }
  return where
}

export interface Anchor {
  /** How many lines come before it. */
  index: number
  timestamp: string
}

/** How to ask for the lines from `index` on. */
export interface Plan {
  timestamp: { _gte?: string; _lt?: string } | null
  isBackward: boolean
  offset: number
  limit: number
}

/** The plan that skips the fewest lines; `count` is null where nobody knows how many there are. */
export function planOf(index: number, wanted: number, count: number | null, anchors: Iterable<Anchor>): Plan {
  const limit = count === null ? wanted : Math.max(0, Math.min(wanted, count - index))
  let best: Plan = { timestamp: null, isBackward: false, offset: index, limit }
  const end = index + limit
  if (count !== null && count - end < best.offset) {
    best = { timestamp: null, isBackward: true, offset: count - end, limit }
  }
  for (const anchor of anchors) {
    if (anchor.index <= index && index - anchor.index < best.offset) {
      best = { timestamp: { _gte: anchor.timestamp }, isBackward: false, offset: index - anchor.index, limit }
    } else if (anchor.index >= end && anchor.index - end < best.offset) {
      best = { timestamp: { _lt: anchor.timestamp }, isBackward: true, offset: anchor.index - end, limit }
    }
  }
  return best
}

/** The last anchor, and the first, among lines that begin at `index`. */
export function anchorsOf(lines: readonly Line[], index: number): Anchor[] {
  const found: Anchor[] = []
  for (let at = 1; at < lines.length; at += 1) {
    if (lines[at]!.timestamp !== lines[at - 1]!.timestamp)
      found.push({ index: index + at, timestamp: lines[at]!.timestamp })
  }
  return found.length > 2 ? [found[0]!, found.at(-1)!] : found
}

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

/** The pieces of a message, those that were looked for apart. */
export function pieces(message: string, wanted: string): { text: string; isFound: boolean }[] {
  const needle = wanted.trim().toLowerCase()
  if (needle === '') return [{ text: message, isFound: false }]
  const made: { text: string; isFound: boolean }[] = []
  const low = message.toLowerCase()
  // Lower case may be longer than what it came from: then the places do not match, and nothing is marked.
  if (low.length !== message.length) return [{ text: message, isFound: false }]
  let from = 0
  for (let at = low.indexOf(needle); at >= 0 && made.length < 200; at = low.indexOf(needle, from)) {
    if (at > from) made.push({ text: message.slice(from, at), isFound: false })
    made.push({ text: message.slice(at, at + needle.length), isFound: true })
    from = at + needle.length
  }
  if (from < message.length) made.push({ text: message.slice(from), isFound: false })
  return made
}

/** A line as it stands in a file. */
export function fileLine(line: Line): string {
  return `${line.timestamp} ${(line.level ?? '').padEnd(8)} ${line.name ?? ''} ${line.message ?? ''}\n`
}

/** What a level means for the eye. */
export function toneOf(level: string | null): 'bad' | 'warn' | 'quiet' | 'plain' {
  if (level === 'ERROR' || level === 'CRITICAL') return 'bad'
  if (level === 'WARNING') return 'warn'
  return level === 'DEBUG' ? 'quiet' : 'plain'
}
