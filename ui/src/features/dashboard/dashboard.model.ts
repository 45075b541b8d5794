/** What the dashboard asks, and how it reads the answers. */
import type { RouteLocationRaw } from 'vue-router'
import type { DashboardResult, DashboardVariables, FlowRunBoolExp, Run } from '@/generated/dashboard'
import { descendants, isA } from '@/shared/state/states.model'
import { instantMs } from '@/shared/format/time.model'
import { LATE_S } from '@/shared/time/anchor.model'
import { instantOf, RANGE_QUERY, type Span } from '@/shared/time/range.model'
import { list, type Values } from '@/shared/url/query.model'

export const QUERY = { ...RANGE_QUERY, project: list(), flow: list(), label: list() }
export type Filters = Values<typeof QUERY>

const LISTED = 8
const FAILED = descendants('Failed')
/** What starts by itself: a paused run waits for a person, whether it has an instant or not. */
const BY_THEMSELVES = [...descendants('Scheduled').filter((state) => state !== 'Paused'), 'Queued']
const ACTIVE = [...descendants('Running'), 'Submitted']

/** The variables for filters and a span; `anchorS` is the present, in steps, so that they seldom change. */
export function variablesOf(filters: Filters, span: Span, anchorS: number): DashboardVariables {
  const [start, end, anchor] = [instantOf(span.startS), instantOf(span.endS), instantOf(anchorS)]
  const chosen = conditionsOf(filters)
  return {
    start,
    end,
    buckets: span.buckets,
    project_ids: filters.project,
    flow_group_ids: filters.flow,
    labels: filters.label,
    failed: { ...chosen, state: { _in: FAILED }, scheduled_start_time: { _gte: start, _lt: end } },
    due: { ...chosen, state: { _in: BY_THEMSELVES }, state_start_time: { _lt: anchor } },
    paused: { ...chosen, state: { _eq: 'Paused' } },
    planned: { ...chosen, state: { _in: BY_THEMSELVES }, state_start_time: { _gte: anchor } },
    running: { ...chosen, state: { _in: ACTIVE } },
    started: { ...chosen, start_time: { _gte: start, _lt: end } },
  }
}

function conditionsOf({ project, flow, label }: Filters): FlowRunBoolExp {
  const where: FlowRunBoolExp = {}
  if (project.length > 0 || flow.length > 0) {
    where.flow = {
      ...(project.length > 0 && { project_id: { _in: project } }),
      ...(flow.length > 0 && { flow_group_id: { _in: flow } }),
    }
  }
  if (label.length > 0) where._or = label.map((each) => ({ labels: { _contains: [each] } }))
  return where
}

/** The line that says best why a run failed, and the task that it comes from. */
export function causeOf(run: DashboardResult['failed'][number]): { task: string | null; line: string } {
  const [first] = run.task_runs
  const line = firstLine(first?.state_message) ?? firstLine(run.state_message) ?? 'It left no message.'
  if (first === undefined) return { task: null, line }
  const name = first.task?.name ?? 'a task'
  return { task: first.map_index >= 0 ? `${name} [${first.map_index}]` : name, line }
}

/** The first line of a text that says something, bounded; null where none does. */
export function firstLine(text: string | null | undefined): string | null {
  const line = text?.split('\n').find((each) => each.trim() !== '')
  return line === undefined ? null : line.trim().slice(0, 400)
}

/** Why a run that is due has not started, as far as its state tells. */
export function waitingFor(run: Run, nowMs: number): string {
  if (run.state === 'Paused') return 'Waits for approval'
  if (run.state === 'Queued') return run.state_message || 'Waits for a free concurrency slot'
  if (run.state === 'Retrying') return 'Waits for its next attempt'
  const due = instantMs(run.state_start_time ?? run.scheduled_start_time)
  if (due !== null && due > nowMs) return 'Planned'
  return 'No agent has taken it yet'
}

/** When a run was to start. The state of a paused one gives an end to the wait, years ahead. */
export function dueAt(run: Run): string | null {
  return run.state === 'Paused' ? run.scheduled_start_time : (run.state_start_time ?? run.scheduled_start_time)
}

/** The runs that are held up, as many as a list shows: those that wait for a person first. */
export function heldUp<R>({ paused, due }: { paused: readonly R[]; due: readonly R[] }): R[] {
  return [...paused, ...due].slice(0, LISTED)
}

/** Whether its time has come. */
export function isDue(run: Run, nowMs: number): boolean {
  const due = instantMs(run.state_start_time ?? run.scheduled_start_time)
  return due !== null && due <= nowMs
}

/** The page of all runs with the filters of this one, and others beside. */
export function runsOf({ project, flow, label }: Filters, beside: Record<string, string>): RouteLocationRaw {
  const chosen = Object.entries({ project, flow, label }).flatMap(([name, values]) =>
    values.length > 0 ? [[name, list().write(values)]] : [],
  )
  return { path: '/runs', query: { ...beside, ...Object.fromEntries(chosen) } }
}

/** Whether something is wrong with waiting: it is due, and it is not waiting for a person or a slot. */
export function isLate(run: Run, nowMs: number): boolean {
  const due = instantMs(run.state_start_time ?? run.scheduled_start_time)
  return due !== null && due < nowMs - LATE_S * 1000 && isA(run.state ?? '', 'Scheduled') && run.state !== 'Paused'
}

export type Health = 'well' | 'quiet' | 'gone'

/** How an agent is, by when it was last heard of. */
export function healthOf(lastQueried: string | null, nowMs: number): Health {
  const heard = instantMs(lastQueried)
  if (heard === null) return 'gone'
  const silentS = (nowMs - heard) / 1000
  return silentS < 90 ? 'well' : silentS < 600 ? 'quiet' : 'gone'
}
