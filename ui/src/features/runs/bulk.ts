/** One change for many runs, a piece at a time, so that ten thousand are no more of a burden than ten. */
import { CancelOneRun, DeleteOneRun, RunIds, SetManyRunStates, type FlowRunBoolExp } from '@/generated/runs'
import type { FailedOne } from '@/shared/components/FailureList.vue'
import { Failure } from '@/shared/graphql/failure'
import { request, requestMany } from '@/shared/graphql/request'
import { canDo, type BulkKind } from './bulk.model'

const PAGE = 500
const PIECE = 50

export interface Outcome {
  done: number
  skipped: number
  failed: FailedOne[]
}

/**
 * Carries out a change for the runs that meet a condition, and tells how far it is. Runs in a state in which it means
 * nothing are skipped; one that fails does not keep the others from it.
 */
export async function changeMany(
  kind: BulkKind,
  where: FlowRunBoolExp,
  tell: (outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<Outcome> {
  const outcome: Outcome = { done: 0, skipped: 0, failed: [] }
  let after: string | null = null
  for (;;) {
    const bound: FlowRunBoolExp = after === null ? where : { _and: [where, { id: { _gt: after } }] }
    const { flow_run: rows }: { flow_run: Run[] } = await request(RunIds, { where: bound, limit: PAGE }, signal)
    const wanted = rows.filter(({ state }) => canDo(kind, state))
    outcome.skipped += rows.length - wanted.length
    for (let at = 0; at < wanted.length; at += PIECE) {
      const runs = wanted.slice(at, at + PIECE)
      const failed = await change(kind, runs, signal)
      outcome.failed.push(...failed)
      outcome.done += runs.length - failed.length
      tell({ ...outcome })
    }
    if (rows.length < PAGE) return outcome
    after = rows.at(-1)!.id
  }
}

interface Run {
  id: string
  name: string | null
  state: string | null
}

async function change(kind: BulkKind, runs: readonly Run[], signal: AbortSignal): Promise<FailedOne[]> {
  const variables = runs.map(({ id }) => ({ id }))
  let answers: unknown[]
  if (kind === 'cancel') answers = await requestMany(CancelOneRun, variables, signal)
  else if (kind === 'delete') answers = await requestMany(DeleteOneRun, variables, signal)
  else {
    const state = { type: 'Scheduled', message: 'Run now, by a person.', start_time: new Date().toISOString() }
    const states = runs.map(({ id }) => ({ states: [{ flow_run_id: id, state }] }))
    answers = await requestMany(SetManyRunStates, states, signal)
  }
  return runs.flatMap(({ id, name }, index) => {
    const answer = answers[index]
    return answer instanceof Failure ? [{ name: name ?? id, to: `/flow-run/${id}`, failure: answer }] : []
  })
}
