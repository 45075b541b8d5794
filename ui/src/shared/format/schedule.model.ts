/** Schedules in words. What is not simple is shown as it was written: a wrong sentence is worse than none. */
import type { Json } from '@/shared/graphql/document'
import { zoneName } from './time.model'

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday']
const NUMBERS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const ALIASES: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
}
const UNITS_S: readonly [number, string, string][] = [
  [604_800, 'week', 'weeks'],
  [86_400, 'day', 'days'],
  [3600, 'hour', 'hours'],
  [60, 'minute', 'minutes'],
]

type Fields = { [key: string]: Json }

/** The clocks of a schedule document. */
export function clocksOf(schedule: Json | undefined): Fields[] {
  const clocks = isFields(schedule) ? schedule.clocks : null
  return Array.isArray(clocks) ? clocks.filter(isFields) : []
}

/** A whole schedule in words: its first clock, and how many there are beside it; null where there is none. */
export function scheduleWords(schedule: Json | undefined): string | null {
  const clocks = clocksOf(schedule)
  const [first] = clocks
  if (first === undefined) return null
  return clockWords(first) + (clocks.length > 1 ? `, and ${clocks.length - 1} more` : '')
}

/** One clock in words. */
export function clockWords(clock: Fields): string {
  if (typeof clock.cron === 'string') {
    const words = cronWords(clock.cron)
    // Times of day are those of the clock's zone, not of the one in which the page shows times.
    return / at \d\d:\d\d/.test(words) ? `${words} ${zoneName(zoneOf(clock.start_date) ?? 'UTC')}` : words
  }
  // In the documents of clients an interval is microseconds.
  if (typeof clock.interval === 'number') return intervalWords(clock.interval / 1_000_000)
  if (Array.isArray(clock.dates)) return `On ${clock.dates.length === 1 ? 'one date' : `${clock.dates.length} dates`}`
  return clock.type === 'RRuleClock' ? 'By a recurrence rule' : 'By a clock of another kind'
}

/** The time zone of an instant as documents write it; null where it says none. */
export function zoneOf(instant: Json | undefined): string | null {
  return isFields(instant) && typeof instant.tz === 'string' ? instant.tz : null
}

/** `Every 15 minutes`, from seconds. */
export function intervalWords(seconds: number): string {
  for (const [size, one, many] of UNITS_S) {
    if (seconds >= size && seconds % size === 0)
      return seconds === size ? `Every ${one}` : `Every ${seconds / size} ${many}`
  }
  return `Every ${seconds} seconds`
}

/** A cron expression in words where it is simple, else as it is. */
export function cronWords(given: string): string {
  const fields = (ALIASES[given.trim().toLowerCase()] ?? given.trim()).split(/\s+/)
  const asIs = `Cron ${given.trim()}`
  if (fields.length !== 5) return asIs
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string]
  const when = timeWords(minute, hour)
  const which = dayWords(day, month, weekday)
  if (when === null || which === null) return asIs
  if (which === '') return when.isOnce ? `Daily ${when.text}` : capital(when.text)
  return when.isOnce ? `${capital(which)} ${when.text}` : `${capital(when.text)}, ${which}`
}

function timeWords(minute: string, hour: string): { text: string; isOnce: boolean } | null {
  const everyMinutes = /^\*\/(\d+)$/.exec(minute)?.[1]
  const everyHours = /^\*\/(\d+)$/.exec(hour)?.[1]
  if (minute === '*' && hour === '*') return { text: 'every minute', isOnce: false }
  // A step that does not divide the hour starts anew with it: then it is no interval.
  if (everyMinutes !== undefined && hour === '*' && 60 % Number(everyMinutes) === 0)
    return { text: `every ${everyMinutes} minutes`, isOnce: false }
  if (!isNumber(minute, 59)) return null
  if (hour === '*')
    return { text: Number(minute) === 0 ? 'every hour' : `every hour at :${two(minute)}`, isOnce: false }
  if (everyHours !== undefined && 24 % Number(everyHours) === 0)
    return { text: `every ${everyHours} hours at :${two(minute)}`, isOnce: false }
  const hours = hour.split(',')
  if (hours.length > 4 || !hours.every((each) => isNumber(each, 23))) return null
  return { text: `at ${hours.map((each) => `${two(each)}:${two(minute)}`).join(', ')}`, isOnce: true }
}

function dayWords(day: string, month: string, weekday: string): string | null {
  if (month !== '*') return null
  if (day === '*' && weekday === '*') return ''
  if (weekday === '*') {
    if (day.toLowerCase() === 'l') return 'on the last day of the month'
    return isNumber(day, 31) && day !== '0' ? `monthly on day ${Number(day)}` : null
  }
  if (day !== '*') return null
  const numbers = weekday.toLowerCase().split(',').map(weekdayNumbers)
  if (numbers.includes(null)) return null
  const all = [...new Set(numbers.flatMap((each) => each ?? []).map((each) => each % 7))].sort((a, b) => a - b)
  if (all.join() === '1,2,3,4,5') return 'on weekdays'
  if (all.join() === '0,6') return 'at weekends'
  return all.length === 7 ? '' : `on ${all.map((each) => DAYS[each]).join(', ')}`
}

function weekdayNumbers(text: string): number[] | null {
  const [from, to, ...rest] = text.split('-').map((each) => {
    const named = NUMBERS.indexOf(each)
    return named >= 0 ? named : /^[0-7]$/.test(each) ? Number(each) : Number.NaN
  })
  if (from === undefined || Number.isNaN(from) || rest.length > 0) return null
  if (to === undefined) return [from]
  if (Number.isNaN(to) || to < from) return null
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function isNumber(text: string, most: number): boolean {
  return /^\d{1,2}$/.test(text) && Number(text) <= most
}

function two(text: string): string {
  return text.padStart(2, '0')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
