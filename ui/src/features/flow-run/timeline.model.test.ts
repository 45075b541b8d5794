import { describe, expect, it } from 'vitest'
import { statesByTask, type Task, type TaskRun } from './task-runs.model'
import { criticalPath, panned, partsByRun, profile, rowsOf, wholeView, zoomed } from './timeline.model'

function task(name: string, order: number, upstream: string[] = []): Task {
  return { id: name, name, slug: name, isMapped: false, isReference: false, order, upstream, downstream: [] }
}
function run(taskId: string, startMs: number | null, endMs: number | null, state = 'Success', index = -1): TaskRun {
  return { id: `${taskId}${index}`, taskId, index, state, startMs, endMs, version: 3 }
}
const tasks = new Map(
  [task('a', 0), task('b', 1, ['a']), task('c', 2, ['a']), task('d', 3, ['b', 'c']), task('e', 4, ['d'])].map(
    (each) => [each.id, each],
  ),
)
const RUNS = [
  run('d', 500, 600),
  run('a', 0, 100),
  run('c', 100, 150),
  run('b', 110, 480, 'Mapped'),
  run('b', 120, 300, 'Failed', 1),
  run('b', 110, 200, 'Success', 0),
]
const states = statesByTask(tasks, RUNS)
const all = { text: '', families: [], expanded: new Set<string>() }

describe('rowsOf', () => {
  const keys = (filter: Partial<typeof all>) => rowsOf(states, { ...all, ...filter }).map(({ key }) => key)
  it('orders tasks by their start, those that have none last', () => {
    expect(keys({})).toEqual(['a', 'c', 'b', 'd', 'e'])
  })
  it('shows children below a task that is unfolded', () => {
    expect(keys({ expanded: new Set(['b']) })).toEqual(['a', 'c', 'b', 'b0', 'b1', 'd', 'e'])
  })
  it('keeps tasks, and children, of the families asked for', () => {
    expect(keys({ families: ['Failed'] as never[], expanded: new Set(['b']) })).toEqual(['b', 'b1'])
    expect(keys({ text: 'C' })).toEqual(['c'])
  })
})

it('criticalPath goes back over whoever ended last', () => {
  expect(criticalPath(tasks, states, 1000)).toEqual(['a', 'b', 'd'])
  const open = statesByTask(tasks, [run('a', 0, 10), run('b', 10, 20), run('c', 10, null, 'Running')])
  expect(criticalPath(tasks, open, 1000)).toEqual(['a', 'c'])
  expect(criticalPath(tasks, statesByTask(tasks, []), 1000)).toEqual([])
})

it('partsByRun tells work from waiting', () => {
  const at = (ms: number, state: string) => ({ task_run_id: 't', timestamp: new Date(ms).toISOString(), state })
  const history = [
    at(0, 'Pending'),
    at(5, 'Running'),
    at(9, 'Failed'),
    at(9, 'Retrying'),
    at(20, 'Running'),
    at(30, 'Success'),
  ]
  expect(partsByRun(history, 99).get('t')).toEqual([
    { fromMs: 5, toMs: 9, isWaiting: false },
    { fromMs: 9, toMs: 20, isWaiting: true },
    { fromMs: 20, toMs: 30, isWaiting: false },
  ])
  expect(partsByRun(history.slice(0, 2), 99).size).toBe(0)
})

describe('views', () => {
  const whole = wholeView(states, 0, 1000)
  it('begin a little before the first start and end a little after the last end', () => {
    expect(whole).toEqual({ fromMs: -12, toMs: 624 })
    expect(wholeView(new Map(), null, 90_000)).toEqual({ fromMs: 30_000, toMs: 90_000 })
  })
  it('zoom about an instant, within bounds', () => {
    const view = zoomed({ fromMs: 0, toMs: 100 }, 0.5, 25, whole)
    expect(view).toEqual({ fromMs: 12.5, toMs: 62.5 })
    expect(zoomed(view, 1e-9, 25, whole).toMs - zoomed(view, 1e-9, 25, whole).fromMs).toBeCloseTo(5)
    expect(zoomed(view, 1e9, 25, whole).toMs).toBeLessThan(2000)
  })
  it('never lose the run out of sight', () => {
    const view = panned({ fromMs: 0, toMs: 100 }, 1e9, whole)
    expect(view.fromMs).toBeLessThan(whole.toMs)
    expect(panned({ fromMs: 0, toMs: 100 }, -1e9, whole).toMs).toBeGreaterThan(whole.fromMs)
  })
})

it('profile counts who is at work in each column', () => {
  const { active, failed, most } = profile(states.get('b')!.children, { fromMs: 100, toMs: 400 }, 3, 1000)
  expect([...active]).toEqual([2, 2, 1])
  expect(most).toBe(2)
  expect([...failed]).toEqual([0, 0, 1, 0])
})
