/** What can be done with a run in its present state, and the states that are set by doing it. */
import type { MenuItem } from '@/shared/components/menu'
import { isA } from '@/shared/state/states.model'
import type { Json } from '@/shared/graphql/document'

export type ActionKey =
  | 'cancel'
  | 'restart'
  | 'restart-task'
  | 'repeat'
  | 'run-now'
  | 'resume'
  | 'mark'
  | 'rename'
  | 'labels'
  | 'copy'
  | 'delete'

/** The states that a person may mark a run as, with what each is for. */
export const MARKS: readonly { state: string; meaning: string }[] = [
  { state: 'Success', meaning: 'It is done, whatever its tasks say; what waits for it goes on.' },
  { state: 'Failed', meaning: 'It has failed; what is to happen on failure happens.' },
  { state: 'Cancelled', meaning: 'It is over, without success or failure.' },
  { state: 'Scheduled', meaning: 'An agent takes it once more.' },
]

/** What can be done now. */
export function actionsFor(state: string | null): { first: ActionKey | null; more: MenuItem[] } {
  const now = state ?? ''
  const hasEnded = isA(now, 'Finished')
  const isActive = (isA(now, 'Running') && now !== 'Cancelling') || now === 'Submitted'
  const canRestart = hasEnded && !isA(now, 'Success')
  const first: ActionKey | null = canRestart
    ? 'restart'
    : now === 'Paused'
      ? 'resume'
      : now === 'Scheduled'
        ? 'run-now'
        : isActive || now === 'Queued' || now === 'Retrying'
          ? 'cancel'
          : null
  const items: (MenuItem & { key: ActionKey; isShown: boolean })[] = [
    { key: 'restart', name: 'Restart from failed', icon: 'retry', isShown: canRestart },
    { key: 'restart-task', name: 'Restart from a task…', icon: 'path', isShown: hasEnded },
    { key: 'cancel', name: 'Cancel', icon: 'stop', isShown: !hasEnded && now !== 'Cancelling' },
    { key: 'repeat', name: 'Run anew, with changes…', icon: 'play', isShown: true },
    { key: 'mark', name: 'Mark as…', icon: 'flag', isShown: true },
    { key: 'rename', name: 'Rename…', icon: 'edit', isShown: true },
    { key: 'labels', name: 'Labels…', icon: 'tag', isShown: true },
    { key: 'copy', name: 'Copy link', icon: 'link', isShown: true },
    { key: 'delete', name: 'Delete…', icon: 'trash', isDangerous: true, isShown: true },
  ]
  return { first, more: items.filter(({ key, isShown }) => isShown && key !== first) }
}

/** A state document as the API takes it. */
export function stateDocument(type: string, message: string): Json {
  return { type, message, ...(type === 'Scheduled' && { start_time: new Date().toISOString() }) }
}
