/** Instants and durations as text. Everything takes `now`; the clock is in shared/clock.ts. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds of an instant of the API; null for null and for what is none. */
export function instantMs(text: string | null | undefined): number | null {
  if (!text) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? null : ms
}

/** `3 min ago`, `in 2 h`, `just now`; one unit, rounded down, as a person would say it. */
export function relative(ms: number, nowMs: number): string {
  const away = Math.abs(ms - nowMs)
  if (away < 5 * SECOND) return 'just now'
  const amount = unitOf(away)
  return ms < nowMs ? `${amount} ago` : `in ${amount}`
}

function unitOf(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`
  if (ms < 60 * DAY) return `${Math.floor(ms / DAY)} d`
  if (ms < 730 * DAY) return `${Math.floor(ms / (30 * DAY))} months`
  return `${Math.floor(ms / (365 * DAY))} years`
}

/** `340 ms`, `4.2 s`, `1 min 05 s`, `2 h 04 min`, `3 d 4 h`: two units at the most, always the same width in kind. */
export function duration(ms: number): string {
  if (ms < 0) return '0 ms'
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < 10 * SECOND) return `${(Math.floor(ms / 100) / 10).toFixed(1)} s`
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ${two(Math.floor((ms % MINUTE) / SECOND))} s`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ${two(Math.floor((ms % HOUR) / MINUTE))} min`
  return `${Math.floor(ms / DAY)} d ${Math.floor((ms % DAY) / HOUR)} h`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

export interface DateParts {
  year: number
  month: number
  day: number
  hour: number
  minute: number
  second: number
}

/** The parts of an instant in a time zone (`UTC`, `Europe/Athens`). */
export function partsIn(ms: number, zone: string): DateParts {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(ms)
      .map(({ type, value }) => [type, Number(value)]),
  )
  const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = parts
  return { year, month, day, hour, minute, second }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    formats.set(zone, format)
  }
  return format
}

/** `2026-11-27 05:04:09`, in a time zone. */
export function absolute(ms: number, zone: string): string {
  const { year, month, day, hour, minute, second } = partsIn(ms, zone)
  return `${year}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`
}

/** `05:04:09.123`, in a time zone: for log lines. */
export function clockTime(ms: number, zone: string): string {
  const { hour, minute, second } = partsIn(ms, zone)
  return `${two(hour)}:${two(minute)}:${two(second)}.${String(Math.floor(ms) % 1000).padStart(3, '0')}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** `05:04` today, `27 Nov 05:04` this year, `27 Nov 2025` else: for tables and axes. */
export function short(ms: number, nowMs: number, zone: string): string {
  const at = partsIn(ms, zone)
  const now = partsIn(nowMs, zone)
  const time = `${two(at.hour)}:${two(at.minute)}`
  const date = `${at.day} ${MONTHS[at.month - 1]}`
  if (at.year !== now.year) return `${date} ${at.year}`
  if (at.month === now.month && at.day === now.day) return time
  return `${date} ${time}`
}

/** The name of the zone for people: `UTC`, `Athens`. */
export function zoneName(zone: string): string {
  return (zone.split('/').at(-1) ?? zone).replaceAll('_', ' ')
}
