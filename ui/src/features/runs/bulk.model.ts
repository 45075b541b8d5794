/** What can be done with many runs at once, and with which of them. */
import { isA } from '@/shared/state/states.model'

export type BulkKind = 'cancel' | 'run' | 'delete'

/** Whether a change means anything for a run in a state. */
export function canDo(kind: BulkKind, state: string | null): boolean {
  const now = state ?? ''
  if (kind === 'cancel') return !isA(now, 'Finished') && now !== 'Cancelling'
  if (kind === 'run') return isA(now, 'Scheduled') && now !== 'Paused'
  // What runs is cancelled first; taking it away beneath its process would leave that alone.
  return !isA(now, 'Running') && now !== 'Submitted'
}

export const BULK: Record<BulkKind, { verb: string; done: string; about: string; isDangerous: boolean }> = {
  cancel: {
    verb: 'Cancel',
    done: 'cancelled, or told to stop',
    about:
      'Runs that have not started will not; those that run are told to stop. Runs that have ended stay as they are.',
    isDangerous: true,
  },
  run: {
    verb: 'Run now',
    done: 'due now',
    about: 'Runs that wait for their time become due now. Others stay as they are.',
    isDangerous: false,
  },
  delete: {
    verb: 'Delete',
    done: 'deleted',
    about: 'Their task runs, logs and artifacts are gone for good. Runs that are running are left alone.',
    isDangerous: true,
  },
}
