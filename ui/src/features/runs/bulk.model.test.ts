import { expect, it } from 'vitest'
import { canDo } from './bulk.model'

it.each([
  ['cancel', 'Scheduled', true],
  ['cancel', 'Running', true],
  ['cancel', 'Cancelling', false],
  ['cancel', 'TimedOut', false],
  ['run', 'Retrying', true],
  ['run', 'Paused', false],
  ['run', 'Success', false],
  ['delete', 'Failed', true],
  ['delete', 'Running', false],
  ['delete', 'Submitted', false],
] as const)('%s of a run that is %s: %s', (kind, state, can) => expect(canDo(kind, state)).toBe(can))
