/** Ticks of axes: round numbers, and round times in a zone. */
import { partsIn } from '@/shared/format/time.model'

export interface Tick {
  at: number
  text: string
  /** Whether a day begins here. */
  isMajor: boolean
}

/** Round counts from 0 to at least `most`: three or four of them. */
export function countTicks(most: number): number[] {
  const rough = Math.max(1, most / 3)
  const size = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * size).find((each) => each >= rough) ?? 10 * size
  const whole = Math.max(1, Math.round(step))
  const ticks = []
  for (let value = 0; value < most + whole || ticks.length < 2; value += whole) ticks.push(value)
  return ticks
}

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const STEPS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000],
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 7, 14, 30].map((days) => days * DAY_MS),
]
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** About `wanted` round instants between two, as they read in `zone`. */
export function timeTicks(startMs: number, endMs: number, wanted: number, zone: string): Tick[] {
  const step = STEPS_MS.find((each) => each >= (endMs - startMs) / Math.max(1, wanted)) ?? 30 * DAY_MS
  // Steps of hours and days are counted on the wall clock of the zone.
  const offset = step >= HOUR_MS / 2 ? offsetMs(startMs, zone) : 0
  const ticks: Tick[] = []
  for (let at = Math.ceil((startMs + offset) / step) * step - offset; at <= endMs; at += step) {
    ticks.push(tickAt(at, step, zone))
  }
  return ticks
}

function tickAt(at: number, step: number, zone: string): Tick {
  const { day, month, hour, minute, second } = partsIn(at, zone)
  const isMajor = hour === 0 && minute === 0 && second === 0 && at % 1000 === 0
  if (isMajor) return { at, text: `${day} ${MONTHS[month - 1]}`, isMajor }
  const time = `${two(hour)}:${two(minute)}`
  if (step >= MINUTE_MS) return { at, text: time, isMajor }
  const seconds = `${time}:${two(second)}`
  return { at, text: step >= 1000 ? seconds : `${seconds}.${String(at % 1000).padStart(3, '0')}`, isMajor }
}

function offsetMs(at: number, zone: string): number {
  const { year, month, day, hour, minute, second } = partsIn(at, zone)
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
