import { describe, expect, it } from 'vitest'
import {
  changed,
  collect,
  defaultsOf,
  earlierOf,
  fieldOf,
  inputOf,
  laterMs,
  parametersOf,
  readDocument,
} from './run-flow.model'

const FLOW = {
  parameters: [
    { name: 'day', default: '2026-01-31', required: false },
    { name: 'n', default: 3, required: false },
    { name: 'full', default: false, required: false },
    { name: 'keys', default: null, required: false },
    { name: 'who', default: null, required: true },
    { name: 'from', default: null, required: true },
  ],
  run_config: { type: 'UniversalRun', labels: ['prod'] },
  environment: null,
  flow_group: { labels: null, default_parameters: { n: 9, from: 'group' }, run_config: null },
}
const PARAMETERS = parametersOf(FLOW)
const NOTHING = { name: '', labels: 'prod', runConfig: '', context: '', later: '', priority: '' }
const NOW = Date.UTC(2026, 10, 27)

function fields(typed: Record<string, string> = {}) {
  return new Map(
    PARAMETERS.map((each) => {
      const field = fieldOf(each, each.fallback)
      return [each.name, { ...field, typed: typed[each.name] ?? field.typed }]
    }),
  )
}

function input(given: Partial<typeof NOTHING>) {
  const defaults = defaultsOf(FLOW)
  const runConfig = JSON.stringify(defaults.runConfig)
  return inputOf('f', defaults, {}, { ...NOTHING, runConfig, ...given }, 'UTC', NOW)
}

it('makes fields from parameters: what is needed first, defaults of the group before those of the flow', () => {
  expect(PARAMETERS.map(({ name, kind, isRequired, fallback }) => [name, kind, isRequired, fallback])).toEqual([
    ['who', 'json', true, undefined],
    ['day', 'text', false, '2026-01-31'],
    ['n', 'number', false, 9],
    ['full', 'flag', false, false],
    ['keys', 'json', false, null],
    ['from', 'text', false, 'group'],
  ])
  expect(parametersOf({ ...FLOW, parameters: 'x' })).toEqual([])
})

describe('collect', () => {
  it('reads each field by its kind and names what is wrong', () => {
    const { all, problems } = collect(PARAMETERS, fields({ n: '1e3', full: 'true', keys: '[1', day: '' }))
    expect(all).toEqual({ day: '', n: 1000, full: true, from: 'group' })
    expect([...problems.keys()]).toEqual(['who', 'keys'])
    expect(problems.get('who')).toContain('needs')
  })
  it('refuses what is no number', () => {
    expect(collect(PARAMETERS, fields({ n: '12x' })).problems.get('n')).toBe('12x is not a number.')
  })
  it('takes any name', () => {
    const odd = parametersOf({ ...FLOW, parameters: [{ name: '__proto__', default: 1, required: false }] })
    expect(Object.keys(collect(odd, new Map()).all)).toEqual(['__proto__'])
  })
})

it('shows a value of another type than the default as JSON', () => {
  const n = PARAMETERS.find(({ name }) => name === 'n')!
  expect(fieldOf(n, 5)).toEqual({ kind: 'number', typed: '5' })
  expect(fieldOf(n, 'five')).toEqual({ kind: 'json', typed: '"five"' })
})

it('sends only what differs from the defaults, whatever the order of keys', () => {
  const nested = parametersOf({ ...FLOW, parameters: [{ name: 'o', default: { a: 1, b: 2 }, required: false }] })
  expect(changed(nested, { o: { b: 2, a: 1 } })).toEqual({})
  expect(changed(PARAMETERS, { n: 9, day: 'x', who: null })).toEqual({ day: 'x', who: null })
})

it('reads a whole document and says what is wrong with it', () => {
  expect(readDocument(PARAMETERS, '{"who": 1, "n": "x"}').value).toEqual({ who: 1, n: 'x' })
  expect(readDocument(PARAMETERS, '[1]').problem).toContain('object')
  expect(readDocument(PARAMETERS, '{"who": 1, "whom": 2}').problem).toBe('The flow has no parameter whom.')
  expect(readDocument(PARAMETERS, '{}').problem).toBe('The flow needs the parameter who.')
  expect(readDocument(PARAMETERS, '{').problem).toContain('not JSON')
})

describe('inputOf', () => {
  it('says nothing of what is as it would be anyway', () => {
    expect(input({})).toEqual({ input: { flow_id: 'f', parameters: {} }, problems: new Map() })
  })
  it('sends what was given', () => {
    const given = input({
      name: ' mine ',
      labels: 'gpu, eu',
      runConfig: '{"type": "LocalRun"}',
      context: '{"a": 1}',
      later: '2026-11-28T06:30',
      priority: '5',
    })
    expect(given.problems.size).toBe(0)
    expect(given.input).toEqual({
      flow_id: 'f',
      parameters: {},
      flow_run_name: 'mine',
      labels: ['gpu', 'eu'],
      run_config: { type: 'LocalRun' },
      context: { a: 1 },
      scheduled_start_time: '2026-11-28T06:30:00.000Z',
      priority: 5,
    })
  })
  it('an empty list of labels is one', () => expect(input({ labels: ' ' }).input.labels).toEqual([]))
  it('names what is wrong by field', () => {
    const { problems } = input({ runConfig: '', context: '[1]', later: '2026-11-20T00:00', priority: '1.5' })
    expect([...problems.keys()]).toEqual(['runConfig', 'context', 'later', 'priority'])
  })
})

it('reads a time in UTC or where the browser is', () => {
  expect(laterMs('2026-11-28T06:30', 'UTC')).toBe(Date.UTC(2026, 10, 28, 6, 30))
  expect(laterMs('2026-11-28T06:30', 'Europe/Athens')).toBe(new Date(2026, 10, 28, 6, 30).getTime())
  expect(laterMs('soon', 'UTC')).toBeNull()
})

it('offers the runs of all versions for repetition, the newest first', () => {
  const run = (start_time: string) => ({ start_time })
  const made = earlierOf([{ flow_runs: [run('2026-01-03')] }, { flow_runs: [run('2026-01-04'), run('2026-01-02')] }])
  expect(made.map(({ start_time }) => start_time)).toEqual(['2026-01-04', '2026-01-03', '2026-01-02'])
})
