/**
 * The graph of a flow run and all its task runs, kept current.
 *
 * A run may have 10,000 of them: they are loaded once in pages, and after that only those that have changed are asked
 * for. Not in charge of what they mean (`task-runs.model`).
 */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue'
import { FlowRunGraph, FlowRunTaskRuns, type FlowRunTaskRunsResult } from '@/generated/flow-run'
import { asFailure, type Failure } from '@/shared/graphql/failure'
import { request } from '@/shared/graphql/request'
import { follow } from '@/shared/graphql/socket'
import { statesByTask, taskRunOf, tasksOf, type Task, type TaskRun, type TaskState } from './task-runs.model'

const PAGE = 5000
const CHANGES_MAX = 2000
const INTERVAL_S = 1

export interface TaskRuns {
  tasks: Ref<ReadonlyMap<string, Task>>
  runs: Ref<readonly TaskRun[]>
  states: ComputedRef<Map<string, TaskState>>
  failure: Ref<Failure | null>
  isLoading: Ref<boolean>
  retry: () => void
}

/** Loads and follows; `flowId` is null until the head of the page is there. */
export function useTaskRuns(flowRunId: string, flowId: () => string | null): TaskRuns {
  const tasks = shallowRef<ReadonlyMap<string, Task>>(new Map())
  const byId = new Map<string, TaskRun>()
  const runs = shallowRef<readonly TaskRun[]>([])
  const failure = shallowRef<Failure | null>(null)
  const isLoading = ref(true)
  const abort = new AbortController()
  let stop: (() => void) | null = null
  let newest = ''

  function take(rows: FlowRunTaskRunsResult['task_run']): void {
    for (const row of rows) {
      byId.set(row.id, taskRunOf(row))
      if (row.updated > newest) newest = row.updated
    }
  }

  async function load(id: string): Promise<void> {
    isLoading.value = true
    failure.value = null
    try {
      const graph = await request(FlowRunGraph, { flow_id: id }, abort.signal)
      tasks.value = tasksOf(graph)
      let after: string | null = null
      for (;;) {
        const where = { flow_run_id: { _eq: flowRunId }, id: { _gt: after } }
        const page: FlowRunTaskRunsResult = await request(FlowRunTaskRuns, { where, limit: PAGE }, abort.signal)
        take(page.task_run)
        runs.value = [...byId.values()]
        isLoading.value = false
        if (page.task_run.length < PAGE) break
        after = page.task_run.at(-1)!.id
      }
      followChanges()
    } catch (error) {
      if (!abort.signal.aborted) failure.value = asFailure(error)
    } finally {
      isLoading.value = false
    }
  }

  function followChanges(): void {
    if (abort.signal.aborted) return
    stop?.()
    const since = newest
    const where = { flow_run_id: { _eq: flowRunId }, ...(since !== '' && { updated: { _gte: since } }) }
    stop = follow(
      FlowRunTaskRuns,
      { where, limit: 100_000 },
      INTERVAL_S,
      ({ task_run: rows }) => {
        take(rows)
        runs.value = [...byId.values()]
        // So that what is asked again and again stays small.
        if (rows.length > CHANGES_MAX && newest > since) followChanges()
      },
      (told) => {
        if (!told.isLost) failure.value = told
      },
    )
  }

  watch(flowId, (id) => id !== null && void load(id), { immediate: true })
  onScopeDispose(() => {
    abort.abort()
    stop?.()
  })
  return {
    tasks,
    runs,
    states: computed(() => statesByTask(tasks.value, runs.value)),
    failure,
    isLoading,
    retry: () => {
      const id = flowId()
      if (id !== null) void load(id)
    },
  }
}
