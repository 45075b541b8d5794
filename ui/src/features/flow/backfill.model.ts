/** A backfill as it is typed, and how far one has come. */
import type { CreateBackfillInput } from '@/generated/flow'
import { readJson } from '@/shared/format/json.model'
import { labelsOf } from '@/shared/format/labels.model'

export interface BackfillForm {
  /** As the fields for date and time give them. */
  start: string
  end: string
  isBackward: boolean
  concurrency: string
  parameters: string
  labels: string
  isRepeating: boolean
}

export const CONCURRENCY_MAX = 1000
const BYTES_MAX = 1_000_000

/** What is sent, or what is wrong; times count in UTC or in the zone of the browser. */
export function backfillInput(
  group: string,
  form: BackfillForm,
  zone: string,
  nowMs: number,
): { input: CreateBackfillInput; problem: null } | { input: null; problem: string } {
  const [start, end] = [form.start, form.end].map((typed) => Date.parse(zone === 'UTC' ? `${typed}Z` : typed))
  const wrong = (problem: string) => ({ input: null, problem }) as const
  if (start === undefined || end === undefined || Number.isNaN(start) || Number.isNaN(end))
    return wrong('Give the first and the last instant.')
  if (end < start) return wrong('The last instant comes before the first.')
  if (end > nowMs) return wrong('The last instant is still to come; a backfill is of the past.')
  const concurrency = Number(form.concurrency)
  if (!/^\d+$/.test(form.concurrency.trim()) || concurrency < 1 || concurrency > CONCURRENCY_MAX)
    return wrong(`At a time: a whole number from 1 to ${CONCURRENCY_MAX}.`)
  const input: CreateBackfillInput = {
    flow_group_id: group,
    range_start: new Date(start).toISOString(),
    range_end: new Date(end).toISOString(),
    direction: form.isBackward ? 'backward' : 'forward',
    concurrency,
    repeat_existing: form.isRepeating,
  }
  if (form.parameters.trim() !== '') {
    const read = readJson(form.parameters, BYTES_MAX)
    if (read.problem !== null) return wrong(read.problem)
    if (typeof read.value !== 'object' || read.value === null || Array.isArray(read.value))
      return wrong('Parameters are an object: {"name": value}.')
    input.parameters = read.value
  }
  const labels = labelsOf(form.labels)
  if (labels.length > 0) input.labels = labels
  return { input, problem: null }
}

/** The form of a new one: the day before. */
export function emptyForm(nowMs: number, zone: string): BackfillForm {
  return {
    start: localText(nowMs - 86_400_000, zone),
    end: localText(nowMs - 60_000, zone),
    isBackward: false,
    concurrency: '1',
    parameters: '',
    labels: '',
    isRepeating: false,
  }
}

/** An instant as fields for date and time take it. */
export function localText(ms: number, zone: string): string {
  const offset = zone === 'UTC' ? 0 : new Date(ms).getTimezoneOffset() * 60_000
  return new Date(ms - offset).toISOString().slice(0, 16)
}

/** How much has been dealt with, from 0 to 1. */
export function progressOf(backfill: { instant_count: number; made_count: number; skipped_count: number }): number {
  const { instant_count: all, made_count: made, skipped_count: skipped } = backfill
  return all === 0 ? 1 : Math.min(1, (made + skipped) / all)
}
