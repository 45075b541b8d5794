import { expect, test } from 'vitest'
import { bytes, countsOf, healthOf, keptOf, serviceOf } from './server.model'

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
  const service = { holder: 'a', last_pass: '2026-11-27T05:04:00Z', last_error: null }
  expect(healthOf(service)).toBe('well')
  expect(healthOf({ ...service, last_pass: null })).toBe('starting')
  expect(healthOf({ ...service, holder: null })).toBe('unheld')
  expect(healthOf({ ...service, last_error: 'boom' })).toBe('failing')
})

test('what has no rule is kept for ever, and projects may have rules of their own', () => {
  const rule = (kind: string, keep_days: number | null, project: string | null = null) => ({
    id: `${kind} ${project}`,
    kind,
    keep_days,
    project: project === null ? null : { id: project, name: project },
  })
  const [runs, logs, artifacts] = keptOf([rule('logs', 14), rule('logs', null, 'finance'), rule('artifacts', 1, 'x')])
  expect(runs).toEqual({ name: 'Runs', time: 'for ever', exceptions: [] })
  expect(logs).toMatchObject({ time: '14 days', exceptions: [{ name: 'finance', time: 'for ever' }] })
  expect(artifacts).toMatchObject({ time: 'for ever', exceptions: [{ name: 'x', time: '1 day' }] })
})

test('every service that the server has is described', () => {
  const names = ['backfiller', 'dispatcher', 'lazarus', 'retention', 'scheduler', 'secret_keeper', 'zombie_killer']
  for (const name of names) expect(serviceOf(name).purpose, name).not.toBe('')
})
