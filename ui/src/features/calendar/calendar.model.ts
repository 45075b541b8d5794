/** A month of runs, day by day, in the time zone in which instants are shown. */
import type { Json } from '@/shared/graphql/document'
import { partsIn } from '@/shared/format/time.model'
import { familyOf, type Family } from '@/shared/state/states.model'
import { text, type Values } from '@/shared/url/query.model'

const HOUR = 3_600_000

/** How many runs of a day are listed. */
export const RUNS_MAX = 200

export interface Day {
  year: number
  month: number
  day: number
}

export interface Cell {
  day: Day
  key: string
  isOfMonth: boolean
  counts: Partial<Record<Family, number>>
  all: number
}

/** What stands in the address: `month` is 2026-11, `day` is 2026-11-27; empty means the present one. */
export const QUERY = { month: text(), day: text() }

/** The day of an instant in a zone. */
export function dayAt(ms: number, zone: string): Day {
  const { year, month, day } = partsIn(ms, zone)
  return { year, month, day }
}

/** `2026-11-27`. */
export function keyOf({ year, month, day }: Day): string {
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

/** The day that was chosen, and the month that is shown: the first of that month. */
export function chosen(query: Values<typeof QUERY>, nowMs: number, zone: string): { day: Day; month: Day } {
  const today = dayAt(nowMs, zone)
  const day = readDay(query.day)
  const month = readDay(`${query.month}-01`) ?? { ...(day ?? today), day: 1 }
  const isThere = day !== null && day.year === month.year && day.month === month.month
  const fallback = today.year === month.year && today.month === month.month ? today : month
  return { day: isThere ? day : fallback, month }
}

function readDay(given: string): Day | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(given)
  if (match === null) return null
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const made = new Date(Date.UTC(year, month - 1, day))
  return made.getUTCMonth() === month - 1 && made.getUTCDate() === day ? { year, month, day } : null
}

/** Another day, so many days or months away. */
export function shifted({ year, month, day }: Day, days: number, months = 0): Day {
  const made = new Date(Date.UTC(year, month - 1 + months, day + days))
  return { year: made.getUTCFullYear(), month: made.getUTCMonth() + 1, day: made.getUTCDate() }
}

/** The instant at which a day begins in a zone; where midnight is skipped, the first instant of the day. */
export function startOf(day: Day, zone: string): number {
  const wanted = Date.UTC(day.year, day.month - 1, day.day)
  let ms = wanted - offsetAt(wanted, zone)
  ms = wanted - offsetAt(ms, zone)
  return keyOf(dayAt(ms, zone)) < keyOf(day) ? ms + HOUR : ms
}

function offsetAt(ms: number, zone: string): number {
  const { year, month, day, hour, minute, second } = partsIn(ms, zone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
}

/** The days of the weeks that a month touches, Mondays first. */
export function gridOf(month: Day): Day[] {
  const weekday = (new Date(Date.UTC(month.year, month.month - 1, 1)).getUTCDay() + 6) % 7
  const first = shifted({ ...month, day: 1 }, -weekday)
  const days = new Date(Date.UTC(month.year, month.month, 0)).getUTCDate()
  return Array.from({ length: Math.ceil((weekday + days) / 7) * 7 }, (_, index) => shifted(first, index))
}

/** What to ask: hours, since a day in which the clocks change has 23 or 25; in parts, as one answer has 500 spans. */
export function variablesOf(month: Day, day: Day, zone: string) {
  const grid = gridOf(month)
  const weeks = grid.length / 7
  const at = (week: number) => startOf(shifted(grid[0]!, 7 * week), zone)
  const [first, second, third, end] = [at(0), at(Math.ceil(weeks / 3)), at(Math.ceil((2 * weeks) / 3)), at(weeks)]
  const hours = (from: number, to: number) => Math.ceil((to - from) / HOUR)
  return {
    first: instantOf(first),
    second: instantOf(second),
    third: instantOf(third),
    end: instantOf(end),
    first_hours: hours(first, second),
    second_hours: hours(second, third),
    third_hours: hours(third, end),
    day_start: instantOf(startOf(day, zone)),
    day_end: instantOf(startOf(shifted(day, 1), zone)),
    limit: RUNS_MAX,
  }
}

/** The page of all runs, for those of a day. */
export function runsOf(day: Day, zone: string) {
  const [from, to] = [startOf(day, zone), startOf(shifted(day, 1), zone)].map((ms) => String(ms / 1000))
  return { path: '/runs', query: { from, to, up: '1' } }
}

function instantOf(ms: number): string {
  return new Date(ms).toISOString()
}

interface Bucket {
  start: string
  state_counts: Json
}

/** The days with what was and is planned on each. */
export function cellsOf(month: Day, buckets: readonly Bucket[], zone: string): Cell[] {
  const cells = gridOf(month).map((day) => ({
    day,
    key: keyOf(day),
    isOfMonth: day.month === month.month,
    counts: {} as Partial<Record<Family, number>>,
    all: 0,
  }))
  const byKey = new Map(cells.map((cell) => [cell.key, cell]))
  for (const bucket of buckets) {
    const cell = byKey.get(keyOf(dayAt(Date.parse(bucket.start), zone)))
    if (cell === undefined) continue
    for (const [state, count] of Object.entries(bucket.state_counts ?? {})) {
      if (typeof count !== 'number') continue
      const family = familyOf(state)
      cell.counts[family] = (cell.counts[family] ?? 0) + count
      cell.all += count
    }
  }
  return cells
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ')

/** `November 2026`. */
export function nameOfMonth({ year, month }: Day): string {
  return `${MONTHS[month - 1]} ${year}`
}

/** `27 November`. */
export function nameOfDay({ month, day }: Day): string {
  return `${day} ${MONTHS[month - 1]}`
}

/** What a day is read out as: `27 November: 120 runs, 3 failed, 12 waiting`. */
export function readOut(cell: Cell): string {
  if (cell.all === 0) return `${nameOfDay(cell.day)}: no runs`
  const told = [`${cell.all} ${cell.all === 1 ? 'run' : 'runs'}`]
  if (cell.counts.Failed) told.push(`${cell.counts.Failed} failed`)
  if (cell.counts.Waiting) told.push(`${cell.counts.Waiting} waiting`)
  return `${nameOfDay(cell.day)}: ${told.join(', ')}`
}
