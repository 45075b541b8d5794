import { expect, it } from 'vitest'
import { isOn, labelsOf, lastName, parametersOf, storageOf, type Flow } from './flow.model'

const FLOW = {
  parameters: [
    { name: 'a', required: true },
    { name: 'b', default: [1], required: false },
    { name: 'c', required: true },
    'x',
  ],
  run_config: { labels: ['own'] },
  environment: null,
  flow_group: { labels: null, default_parameters: { c: 'set' } },
} as unknown as Flow

it('tells what a run gets for each parameter', () => {
  expect(parametersOf(FLOW)).toEqual([
    { name: 'a', isRequired: true, isOfGroup: false, value: null },
    { name: 'b', isRequired: false, isOfGroup: false, value: '[1]' },
    { name: 'c', isRequired: false, isOfGroup: true, value: '"set"' },
  ])
})

it('takes the labels of the group first, also where it says none', () => {
  expect(labelsOf(FLOW)).toEqual(['own'])
  expect(labelsOf({ ...FLOW, flow_group: { ...FLOW.flow_group!, labels: [] } })).toEqual([])
})

it('says where the code is', () => {
  expect(storageOf({ type: 'Local', path: '/srv/a.py' })).toEqual({ kind: 'Local', place: '/srv/a.py' })
  expect(storageOf({ type: 'Odd', path: 3 })).toEqual({ kind: 'Odd', place: null })
  expect(storageOf(null)).toBeNull()
})

it('knows what is on where nothing is said', () => {
  expect(isOn({}, 'heartbeat_enabled')).toBe(true)
  expect(isOn({}, 'version_locking_enabled')).toBe(false)
  expect(isOn({ lazarus_enabled: false }, 'lazarus_enabled')).toBe(false)
})

it('names classes by their last part', () => {
  expect(lastName('prefect.triggers.all_successful')).toBe('all_successful')
  expect(lastName(null)).toBe('–')
})
