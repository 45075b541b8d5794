import { describe, expect, it } from 'vitest'
import { beforeLine, fileLine, fileName, pieces, toneOf, whereOf, type Line } from './lines.model'

const line = (timestamp: string, message = 'x'): Line => ({
  ...{ id: timestamp, timestamp, message, level: 'INFO', name: 'prefect', task_run_id: null },
})

describe('whereOf', () => {
  it('is the run alone where nothing is filtered', () => {
    expect(whereOf({ flowRunId: 'r', taskRunId: null }, 'all', ' ')).toEqual({ flow_run_id: { _eq: 'r' } })
  })
  it('is a task run wherever it belongs', () => {
    expect(whereOf({ flowRunId: null, taskRunId: 't' }, 'all', '')).toEqual({ task_run_id: { _eq: 't' } })
  })
  it('takes signs of patterns as they are', () => {
    expect(whereOf({ flowRunId: 'r', taskRunId: 't' }, 'error', '100%_')).toEqual({
      flow_run_id: { _eq: 'r' },
      task_run_id: { _eq: 't' },
      level: { _in: ['ERROR', 'CRITICAL'] },
      message: { _ilike: '%100\\%\\_%' },
    })
  })
})

describe('pieces', () => {
  it('keeps apart what was looked for, whatever its case', () => {
    expect(pieces('Error: an ERROR', 'error')).toEqual([
      { text: 'Error', isFound: true },
      { text: ': an ', isFound: false },
      { text: 'ERROR', isFound: true },
    ])
    expect(pieces('<b>x</b>', '')).toEqual([{ text: '<b>x</b>', isFound: false }])
  })
  it('marks nothing where lower case has another length', () => {
    expect(pieces('İx', 'x')).toEqual([{ text: 'İx', isFound: false }])
  })
})

it('beforeLine tells lines of one instant apart', () => {
  expect(beforeLine(line('1'))).toEqual({
    timestamp: { _lte: '1' },
    _or: [{ timestamp: { _lt: '1' } }, { id: { _lt: '1' } }],
  })
})

it('fileLine has everything', () => {
  expect(fileLine(line('2026', 'a\nb'))).toBe('2026 INFO     prefect a\nb\n')
})

it.each([
  ['nightly load', 'nightly-load.log'],
  ['../../etc/passwd', '..-..-etc-passwd.log'],
  ['日報', '日報.log'],
  ['', 'run.log'],
])('fileName(%j) is %j', (name, made) => expect(fileName(name)).toBe(made))

it.each([
  ['CRITICAL', 'bad'],
  ['WARNING', 'warn'],
  ['DEBUG', 'quiet'],
  ['INFO', 'plain'],
  [null, 'plain'],
])('toneOf(%j) is %j', (level, tone) => expect(toneOf(level)).toBe(tone))
