/** Which of the server's reasons are worth reading: those that somebody can do something about, or wait for. */
import type { RunExplanationResult } from '@/generated/flow-run'
import { isA } from '@/shared/state/states.model'

type Explanation = NonNullable<RunExplanationResult['flow_run_explanation']>
export type Reason = Explanation['reasons'][number]

/** What holds up a run that has a task in progress, too. */
const HOLD_UP = ['WAITS_FOR_APPROVAL', 'WAITS_FOR_SLOT', 'SILENT', 'NO_AGENT', 'NO_AGENT_WITH_LABELS', 'AGENTS_GONE']

/** The reasons to show; none for a run that goes on without a hitch. */
export function reasonsToShow(told: RunExplanationResult['flow_run_explanation'] | undefined): Reason[] {
  if (!told || told.code === 'FINISHED') return []
  const isAtWork = told.code === 'RUNNING'
  return told.reasons.filter(({ code }) => (isAtWork ? HOLD_UP.includes(code) : code !== 'RUNNING'))
}

/** What stands over them: part of a run that is Running may be held up. */
export function headingOf(state: string | null): string {
  return isA(state ?? '', 'Running') ? 'What holds it up' : 'Why it is not running'
}

/** The instant that a reason says a run is planned for; null where it says something else. */
export function plannedFor({ code, detail }: Reason): string | null {
  if (code !== 'SCHEDULED_LATER' || typeof detail !== 'object' || detail === null || Array.isArray(detail)) return null
  return typeof detail.start_time === 'string' ? detail.start_time : null
}

/** Whether nothing is wrong: its time has not come, and nothing else is said. */
export function isAsPlanned(reasons: readonly Reason[]): boolean {
  return reasons.length > 0 && reasons.every((reason) => plannedFor(reason) !== null)
}

/** The task runs that a reason says wait for approval. */
export function approvalsOf({ code, detail }: Reason): { id: string; name: string }[] {
  if (code !== 'WAITS_FOR_APPROVAL' || typeof detail !== 'object' || detail === null || Array.isArray(detail)) return []
  const found = Array.isArray(detail.task_runs) ? detail.task_runs : []
  return found.flatMap((each) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each) || typeof each.id !== 'string') return []
    return [{ id: each.id, name: typeof each.name === 'string' ? each.name : 'the task run' }]
  })
}
