/** Concurrency limits of both kinds in one form: how full they are, who holds their slots, how many wait. */
import type { LimitListResult } from '@/generated/limits'

export const KINDS = ['task', 'flow'] as const
export type Kind = (typeof KINDS)[number]

/** The most slots that the server takes. */
export const SLOTS_MAX = 1_000_000

export interface Holder {
  id: string
  since: string
  name: string
  /** What it belongs to; empty for a flow run. */
  within: string
  state: string | null
  to: string
}

export interface Limit {
  id: string
  kind: Kind
  name: string
  slots: number
  taken: number
  waiting: number
  holders: Holder[]
}

/** The limits of an answer, the fullest first. */
export function limitsOf(answer: LimitListResult): Limit[] {
  const flows = answer.flow_concurrency_limit.map((one) => ({
    id: one.id,
    kind: 'flow' as const,
    name: one.name,
    slots: one.limit,
    taken: one.slots_aggregate.aggregate?.count ?? 0,
    waiting: one.waiters_aggregate.aggregate?.count ?? 0,
    holders: one.slots.flatMap(({ id, created, flow_run: run }) =>
      run === null
        ? []
        : [{ id, since: created, name: run.name ?? run.id, within: '', state: run.state, to: `/flow-run/${run.id}` }],
    ),
  }))
  const tasks = answer.task_concurrency_limit.map((one) => ({
    id: one.id,
    kind: 'task' as const,
    name: one.name,
    slots: one.limit,
    taken: one.slots_aggregate.aggregate?.count ?? 0,
    waiting: one.waiters_aggregate.aggregate?.count ?? 0,
    holders: one.slots.flatMap(({ id, created, task_run: run }) =>
      run === null
        ? []
        : [
            {
              id,
              since: created,
              name: run.name ?? run.task?.name ?? run.id,
              within: run.flow_run?.name ?? '',
              state: run.state,
              to: `/task-run/${run.id}`,
            },
          ],
    ),
  }))
  return [...tasks, ...flows].toSorted(
    (one, other) => other.waiting - one.waiting || fill(other) - fill(one) || one.name.localeCompare(other.name),
  )
}

/** How full a limit is, from 0 to 1; one that lets nothing through is full. */
export function fill({ slots, taken }: Pick<Limit, 'slots' | 'taken'>): number {
  return slots === 0 ? 1 : Math.min(1, taken / slots)
}

/** The number that was typed; null for what is none, or out of bounds. */
export function readSlots(typed: string | number): number | null {
  const text = String(typed).trim()
  const value = Number(text)
  return /^\d+$/.test(text) && value <= SLOTS_MAX ? value : null
}
