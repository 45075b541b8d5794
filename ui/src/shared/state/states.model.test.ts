import { expect, it } from 'vitest'
import { FAMILIES, familyOf, glyphOf, isA, memberOf, nameOf, STATES, statesOf, UNFINISHED } from './states.model'

it('knows the states of the server, without the abstract ones', () => {
  expect(STATES).toContain('TimedOut')
  expect(STATES).not.toContain('State')
  expect(STATES).not.toContain('_MetaState')
})

it('puts each state into one family', () => {
  expect(FAMILIES.flatMap((family) => statesOf(family)).sort()).toEqual([...STATES].sort())
  expect(familyOf('TriggerFailed')).toBe('Failed')
  expect(familyOf('Submitted')).toBe('Running')
  expect(familyOf('Queued')).toBe('Waiting')
  expect(familyOf('Retrying')).toBe('Waiting')
  expect(familyOf('Cached')).toBe('Success')
  expect(familyOf(null)).toBe('Other')
})

it('has a state for the colour of each family', () => {
  for (const family of FAMILIES) expect(STATES).toContain(memberOf(family))
})

it('tells apart without colour what differs in meaning', () => {
  const glyphs = ['Failed', 'Running', 'Scheduled', 'Cancelled', 'Success', 'Retrying', 'Paused'].map(glyphOf)
  expect(new Set(glyphs).size).toBe(7)
})

it('knows what is not at its end', () => {
  expect(UNFINISHED).toContain('Running')
  expect(UNFINISHED).toContain('Submitted')
  expect(UNFINISHED).not.toContain('Cached')
  expect(isA('Cancelling', 'Running')).toBe(true)
})

it('writes names for people', () => {
  expect(nameOf('TimedOut')).toBe('Timed out')
  expect(nameOf('Success')).toBe('Success')
})
