/** A small run for the tests of the timeline: `a`, then `b` (mapped) beside `c`, then `d`; `e` has not begun. */
import { statesByTask, type Task, type TaskRun } from './task-runs.model'

function task(name: string, order: number, upstream: string[] = []): Task {
  return { id: name, name, slug: name, isMapped: false, isReference: false, order, upstream, downstream: [] }
}

export function run(
  taskId: string,
  startMs: number | null,
  endMs: number | null,
  state = 'Success',
  { index = -1, sinceMs = endMs ?? startMs }: { index?: number; sinceMs?: number | null } = {},
): TaskRun {
  return { id: `${taskId}${index}`, taskId, index, state, sinceMs, startMs, endMs, version: 3 }
}

export const tasks: ReadonlyMap<string, Task> = new Map(
  [task('a', 0), task('b', 1, ['a']), task('c', 2, ['a']), task('d', 3, ['b', 'c']), task('e', 4, ['d'])].map(
    (each) => [each.id, each],
  ),
)

export const states = statesByTask(tasks, [
  run('d', 500, 600),
  run('a', 0, 100),
  run('c', 100, 150),
  run('b', 110, 480, 'Mapped'),
  run('b', 120, 300, 'Failed', { index: 1 }),
  run('b', 110, 200, 'Success', { index: 0 }),
])
