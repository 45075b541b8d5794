import { expect, test } from 'vitest'
import { commandFor, fits, healthOf, isQueuePaused, reasonOf, waitingGroups, type AgentLike } from './agents.model'

const NOW = Date.parse('2026-03-02T12:00:00Z')

function agent(name: string, labels: string[], ago_s: number | null): AgentLike {
  const last_queried = ago_s === null ? null : new Date(NOW - ago_s * 1000).toISOString()
  return { id: name, name, type: 'LocalAgent', labels, last_queried }
}

function run(id: string, labels: string[], late_s: number) {
  return { id, name: id, labels, state_start_time: new Date(NOW - late_s * 1000).toISOString() }
}

test('health is judged by when an agent has last asked', () => {
  expect(healthOf(agent('a', [], 60), NOW)).toBe('well')
  expect(healthOf(agent('a', [], 300), NOW)).toBe('late')
  expect(healthOf(agent('a', [], 3600), NOW)).toBe('silent')
  expect(healthOf(agent('a', [], null), NOW)).toBe('never')
})

test('an agent needs all labels of a run, and runs without labels go to agents without labels', () => {
  expect(fits(['a', 'b'], ['a'])).toBe(true)
  expect(fits(['a'], ['a', 'b'])).toBe(false)
  expect(fits(['a'], [])).toBe(false)
  expect(fits([], [])).toBe(true)
})

test('the reason names what is missing', () => {
  const agents = [agent('box', ['gpu'], 5), agent('old', ['etl'], 9000)]
  expect(reasonOf(['gpu', 'a100'], agents, false, NOW)).toBe(
    'No agent has all the labels gpu, a100; box comes nearest and lacks a100.',
  )
  expect(reasonOf(['tpu'], agents, false, NOW)).toBe('No agent has the label tpu.')
  expect(reasonOf(['etl'], agents, false, NOW)).toBe('old fits, but is silent.')
  expect(reasonOf(['gpu'], agents, false, NOW)).toContain('any moment')
  expect(reasonOf([], agents, false, NOW)).toContain('without labels')
  expect(reasonOf(['gpu'], [], false, NOW)).toBe('No agent has ever asked for runs.')
  expect(reasonOf(['gpu'], agents, true, NOW)).toContain('paused')
})

test('runs that are late are grouped by their labels, whatever the order of those', () => {
  const runs = [
    run('1', ['b', 'a'], 900),
    run('2', ['a', 'b'], 60),
    run('3', [], 1200),
    run('4', ['a'], 2),
    run('5', ['x'], -60),
  ]
  const groups = waitingGroups(runs, [agent('bare', [], 3)], false, NOW)
  expect(groups.map(({ labels, runs: members }) => [labels, members.map(({ id }) => id)])).toEqual([
    [[], ['3']],
    [
      ['a', 'b'],
      ['1', '2'],
    ],
  ])
  expect(groups.map(({ isWaitingForPeople }) => isWaitingForPeople)).toEqual([false, true])
})

test('the command quotes what a shell would read otherwise', () => {
  expect(commandFor(['prod', 'eu-west'])).toBe('eparch agent start local --label prod --label eu-west')
  expect(commandFor(["it's; rm"])).toBe(`eparch agent start local --label 'it'\\''s; rm'`)
})

test('the switch of the queue is a key of the settings', () => {
  expect(isQueuePaused({ work_queue_paused: true })).toBe(true)
  expect(isQueuePaused({ work_queue_paused: false })).toBe(false)
  expect(isQueuePaused({})).toBe(false)
  expect(isQueuePaused(null)).toBe(false)
})
