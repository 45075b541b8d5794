import { expect, test } from 'vitest'
import { bytes, countsOf, healthOf, serviceOf } from './server.model'

test('sizes have two or three digits', () => {
  expect([0, 999, 1000, 9940, 9960, 999_600, 1_141_551_104, 5e15].map(bytes)).toEqual([
    '0 B',
    '999 B',
    '1.0 kB',
    '9.9 kB',
    '10 kB',
    '1.0 MB',
    '1.1 GB',
    '5000 TB',
  ])
})

test('services have names for people, also those that this page has never heard of', () => {
  expect(serviceOf('zombie_killer').name).toBe('Zombie killer')
  expect(serviceOf('new_thing')).toEqual({ name: 'New thing', purpose: '' })
})

test('a pass is told by what it did', () => {
  expect(countsOf({ flows: 1200, flow_runs: 0, failed_flows: 1 })).toBe('1,200 flows, 1 failed flows')
  expect(countsOf({ flows: 0 })).toBe('nothing to do')
  expect(countsOf(null)).toBe('')
  expect(countsOf([1])).toBe('')
})

test('a service is judged by its holder and its last pass', () => {
  expect(healthOf({ holder: 'a', last_error: null })).toBe('well')
  expect(healthOf({ holder: null, last_error: null })).toBe('unheld')
  expect(healthOf({ holder: 'a', last_error: 'boom' })).toBe('failing')
})
