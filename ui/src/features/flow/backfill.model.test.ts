import { describe, expect, it } from 'vitest'
import { backfillInput, emptyForm, localText, progressOf } from './backfill.model'

const NOW = Date.UTC(2026, 10, 27, 7)
const form = emptyForm(NOW, 'UTC')
const made = (changes: Partial<typeof form>) => backfillInput('g', { ...form, ...changes }, 'UTC', NOW)

describe('backfillInput', () => {
  it('sends the range as instants', () => {
    expect(made({ parameters: '{"a": 1}', labels: 'x', isBackward: true, concurrency: '3' }).input).toEqual({
      flow_group_id: 'g',
      range_start: '2026-11-26T07:00:00.000Z',
      range_end: '2026-11-27T06:59:00.000Z',
      direction: 'backward',
      concurrency: 3,
      repeat_existing: false,
      parameters: { a: 1 },
      labels: ['x'],
    })
  })
  it('says nothing of labels and parameters that were not given', () => {
    expect(made({}).input).not.toHaveProperty('labels')
    expect(made({}).input).not.toHaveProperty('parameters')
  })
  it.each([
    [{ start: '' }, 'first'],
    [{ end: '2026-11-01T00:00' }, 'before'],
    [{ end: '2026-12-01T00:00' }, 'past'],
    [{ concurrency: '0' }, 'whole number'],
    [{ concurrency: '1e2' }, 'whole number'],
    [{ parameters: '[' }, 'JSON'],
    [{ parameters: '[1]' }, 'object'],
  ])('refuses %j', (changes, told) => expect(made(changes).problem).toContain(told))
})

it('writes instants in the zone of the page', () => {
  expect(localText(NOW, 'UTC')).toBe('2026-11-27T07:00')
  expect(Date.parse(localText(NOW, 'local'))).toBe(NOW)
})

it('counts what is passed over as dealt with', () => {
  expect(progressOf({ instant_count: 4, made_count: 1, skipped_count: 1 })).toBe(0.5)
  expect(progressOf({ instant_count: 0, made_count: 0, skipped_count: 0 })).toBe(1)
})
