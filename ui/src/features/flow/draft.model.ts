/** A schedule as one edits it: one clock in a few fields, or a whole document; and what of it is sent. */
import type { Json } from '@/shared/graphql/document'
import { clocksOf, zoneOf } from '@/shared/format/schedule.model'
import { pretty, readJson } from '@/shared/format/json.model'

export type DraftKind = 'cron' | 'interval' | 'rrule' | 'document'
export const UNITS = { minutes: 60, hours: 3600, days: 86_400 } as const
export type Unit = keyof typeof UNITS

export interface Draft {
  kind: DraftKind
  cron: string
  amount: string
  unit: Unit
  rrule: string
  timezone: string
  document: string
}

/** What the API takes of a schedule, for looking at it and for setting it alike. */
export interface Clocks {
  cron_clocks?: { cron: string }[]
  interval_clocks?: { interval: number }[]
  rrule_clocks?: { rrule: string }[]
  timezone?: string
  schedule?: Json
}

const BYTES_MAX = 1_000_000

/** The draft of a schedule that is there, or of a new one. What is more than one simple clock is a document. */
export function draftOf(schedule: Json, zone: string): Draft {
  const empty = {
    cron: '0 9 * * mon-fri',
    amount: '1',
    unit: 'hours',
    rrule: 'FREQ=DAILY',
    document: '',
    timezone: zone,
  } as const
  const clocks = clocksOf(schedule)
  const [clock] = clocks
  if (clock === undefined) return { ...empty, kind: 'cron' }
  const document = pretty(schedule)
  const timezone = zoneOf(clock.start_date) ?? 'UTC'
  const simple = clocks.length === 1 && isPlain(schedule) && isPlainClock(clock)
  if (simple && typeof clock.cron === 'string' && clock.day_or !== false)
    return { ...empty, kind: 'cron', cron: clock.cron, timezone, document }
  if (simple && typeof clock.interval === 'number' && clock.interval % 60_000_000 === 0) {
    const seconds = clock.interval / 1_000_000
    const unit = seconds % UNITS.days === 0 ? 'days' : seconds % UNITS.hours === 0 ? 'hours' : 'minutes'
    return { ...empty, kind: 'interval', amount: String(seconds / UNITS[unit]), unit, timezone, document }
  }
  return { ...empty, kind: 'document', timezone, document }
}

/** What is sent for a draft, or what is wrong with it. The server judges the clocks themselves. */
export function clocksFor(draft: Draft): { clocks: Clocks; problem: null } | { clocks: null; problem: string } {
  const timezone = draft.timezone.trim() || 'UTC'
  if (draft.kind === 'document') {
    const read = readJson(draft.document, BYTES_MAX)
    return read.problem === null ? made({ schedule: read.value }) : { clocks: null, problem: read.problem }
  }
  if (draft.kind === 'interval') {
    const interval = Number(draft.amount) * UNITS[draft.unit]
    if (draft.amount.trim() === '' || !Number.isInteger(interval) || interval < 60)
      return { clocks: null, problem: 'An interval is a number, of a minute at least.' }
    return made({ interval_clocks: [{ interval }], timezone })
  }
  const typed = (draft.kind === 'cron' ? draft.cron : draft.rrule).trim()
  if (typed === '') return { clocks: null, problem: 'Write when it runs.' }
  return made(
    draft.kind === 'cron'
      ? { cron_clocks: [{ cron: typed }], timezone }
      : { rrule_clocks: [{ rrule: typed }], timezone },
  )
}

function made(clocks: Clocks): { clocks: Clocks; problem: null } {
  return { clocks, problem: null }
}

/** Whether a document holds nothing beside its clocks that the fields would lose. */
function isPlain(schedule: Json): boolean {
  return Object.entries(schedule as { [key: string]: Json }).every(
    ([name, value]) =>
      name === 'type' || name === 'clocks' || name === '__version__' || value === null || isEmpty(value),
  )
}

function isPlainClock(clock: { [key: string]: Json }): boolean {
  return ['parameter_defaults', 'labels', 'end_date'].every(
    (name) => clock[name] === undefined || clock[name] === null || (name !== 'labels' && isEmpty(clock[name])),
  )
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

export const MISFIRE = [
  { key: 'skip', name: 'Skip them', about: 'no runs are made for the past' },
  { key: 'latest', name: 'Run the latest', about: 'the latest instant of each clock gets its run' },
  { key: 'all', name: 'Run all', about: 'the newest 100 at the most' },
] as const
export const OVERLAP = [
  { key: 'allow', name: 'Run beside it', about: '' },
  { key: 'skip', name: 'Skip the new one', about: 'its state is Skipped' },
  { key: 'queue', name: 'Wait for it', about: '' },
  { key: 'cancel_running', name: 'Stop the old one', about: 'the new one starts when it has ended' },
] as const
export const DAYLIGHT = [
  { key: 'compatible', name: 'Compatible', about: 'skipped times run later, repeated times once' },
  { key: 'strict', name: 'Strict', about: 'skipped times do not run, repeated times twice' },
] as const
