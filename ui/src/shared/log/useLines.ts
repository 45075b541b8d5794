/**
 * The lines of a log that are in memory: those in sight and their neighbours, however many there are.
 *
 * In charge of counting them, asking for what is missing and forgetting what is far; not in charge of where they stand
 * (`layout.model`) nor of scrolling (`useLogScroll`).
 */
import { onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { LogCount, LogLines, type LogBoolExp } from '@/generated/log'
import { asFailure, type Failure } from '@/shared/graphql/failure'
import { useLive } from '@/shared/graphql/live'
import { request } from '@/shared/graphql/request'
import { rowsOf, type Layout } from './layout.model'
import type { Line } from './lines.model'
import { anchorsOf, CHUNK, planOf, variablesOf, type Anchor } from './plan.model'

const CHUNKS_MAX = 80
const CHUNKS_DROPPED = 20
/** Requests for lines this far from what is seen are taken back. */
const NEAR_CHUNKS = 3

interface Given {
  where: Ref<LogBoolExp>
  hasEnded: () => boolean
  /** How many signs a line of the page takes; 0 where lines are not broken. */
  columns: Ref<number>
  layout: Layout
  /** Whether the first lines are what will be seen first. */
  startsAtFirst: () => boolean
  /** Told when the number of lines has changed; `before` is null the first time. */
  counted: (before: number | null) => void
  /** Carries out a change to lines from `index` on so that what is seen stays in its place. */
  keeping: (index: number, change: () => void) => void
}

export interface Lines {
  /** How many there are; null before anything is known. */
  count: Ref<number | null>
  /** Whether `count` is only what has come so far. */
  isCounting: Ref<boolean>
  failure: Ref<Failure | null>
  /** Changes with every change of lines or of their places. */
  stamp: Ref<number>
  lineAt: (index: number) => Line | null
  /** Asks for what is missing among these lines. */
  need: (first: number, last: number) => void
  /** Takes note that exactly `index` lines come before an instant. */
  anchor: (index: number, timestamp: string) => void
  retry: () => void
}

/** Loads the lines of a condition, and follows their number until the run has ended. */
export function useLines(given: Given): Lines {
  const { layout } = given
  /** The condition; the same object as long as it says the same. */
  const where = shallowRef(given.where.value)
  const count = ref<number | null>(null)
  const isCounting = ref(false)
  const failure = shallowRef<Failure | null>(null)
  const stamp = ref(0)
  const chunks = new Map<number, readonly Line[]>()
  const anchors = new Map<number, Anchor>()
  const asked = new Map<number, AbortController>()
  /** Chunks that were not full when they were asked for. */
  const stale = new Set<number>()
  let seen: [number, number] = [0, 0]

  const live = useLive(LogCount, () => (given.hasEnded() ? null : { where: where.value }), 1)
  watch(live.data, (answer) => {
    if (!given.hasEnded() && answer !== null) takeCount(answer.log_aggregate.aggregate?.count ?? 0)
  })
  watch(live.failure, (told) => (failure.value = told ?? failure.value))
  watch(
    [() => JSON.stringify(given.where.value), given.hasEnded],
    ([text, hasEnded], before) => {
      if (before?.[0] !== text) {
        where.value = given.where.value
        reset()
        void begin()
      }
      if (hasEnded) void countOnce()
    },
    { immediate: true },
  )

  function reset(): void {
    for (const abort of asked.values()) abort.abort()
    for (const kept of [asked, chunks, anchors, stale]) kept.clear()
    layout.forget()
    layout.resize(0)
    count.value = null
    failure.value = null
    stamp.value += 1
  }

  /** Shows the first lines before it is known how many there are: counting a million takes a while. */
  async function begin(): Promise<void> {
    if (!given.startsAtFirst()) return
    const condition = where.value
    try {
      const { log } = await request(LogLines, variablesOf(condition, planOf(0, CHUNK, null, [])))
      if (condition !== where.value || count.value !== null || log.length === 0) return
      isCounting.value = log.length === CHUNK
      chunks.set(0, log)
      count.value = log.length
      layout.resize(log.length)
      measure(0, log)
      stamp.value += 1
    } catch {
      // The count fails for the same reason, and says so.
    }
  }

  async function countOnce(): Promise<void> {
    const condition = where.value
    try {
      const answer = await request(LogCount, { where: condition })
      if (condition === where.value) takeCount(answer.log_aggregate.aggregate?.count ?? 0)
    } catch (error) {
      if (condition === where.value) failure.value = asFailure(error)
    }
  }

  function takeCount(now: number): void {
    const before = count.value
    isCounting.value = false
    if (before === now) return
    count.value = now
    layout.resize(now)
    if (before !== null) {
      // The last chunk was not full; an answer that is on its way is of before.
      const last = Math.floor(Math.max(0, before - 1) / CHUNK)
      asked.get(last)?.abort()
      asked.delete(last)
      stale.add(last)
    }
    stamp.value += 1
    given.counted(before)
  }

  function measure(chunk: number, lines: readonly Line[]): void {
    const rows = lines.map((line) => rowsOf(line.message, given.columns.value))
    layout.measure(chunk, rows)
  }

  watch(given.columns, () => {
    given.keeping(Infinity, () => {
      layout.forget()
      for (const [chunk, lines] of chunks) measure(chunk, lines)
      stamp.value += 1
    })
  })

  function need(first: number, last: number): void {
    seen = [first, last]
    if (count.value === null || count.value === 0) return
    const from = Math.floor(Math.max(0, first) / CHUNK)
    const to = Math.floor(Math.max(0, Math.min(last, count.value - 1)) / CHUNK)
    for (let chunk = from; chunk <= to; chunk += 1) void loadChunk(chunk)
    for (const [chunk, abort] of asked) if (Math.abs(chunk - from) > NEAR_CHUNKS) abort.abort()
    if (chunks.size <= CHUNKS_MAX) return
    const farthest = [...chunks.keys()].sort((one, other) => Math.abs(other - from) - Math.abs(one - from))
    for (const chunk of farthest.slice(0, CHUNKS_DROPPED)) chunks.delete(chunk)
  }

  async function loadChunk(chunk: number): Promise<void> {
    if (asked.has(chunk) || (chunks.has(chunk) && !stale.has(chunk))) return
    const abort = new AbortController()
    asked.set(chunk, abort)
    stale.delete(chunk)
    const index = chunk * CHUNK
    const plan = planOf(index, CHUNK, count.value, anchors.values())
    try {
      const { log } = await request(LogLines, variablesOf(where.value, plan), abort.signal)
      const lines = plan.isBackward ? log.reverse() : log
      for (const anchor of anchorsOf(lines, index)) anchors.set(anchor.index, anchor)
      given.keeping(index, () => {
        chunks.set(chunk, lines)
        measure(chunk, lines)
        stamp.value += 1
      })
      failure.value = null
    } catch (error) {
      if (!abort.signal.aborted) failure.value = asFailure(error)
    } finally {
      if (asked.get(chunk) === abort) asked.delete(chunk)
    }
  }

  onScopeDispose(() => {
    for (const abort of asked.values()) abort.abort()
  })
  return {
    count,
    isCounting,
    failure,
    stamp,
    lineAt: (index) => chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK] ?? null,
    need,
    anchor: (index, timestamp) => void anchors.set(index, { index, timestamp }),
    retry: () => {
      failure.value = null
      if (count.value === null && given.hasEnded()) void countOnce()
      else if (count.value === null) live.retry()
      else need(...seen)
    },
  }
}
