/** What differs between two versions of a flow: tasks, parameters and documents, line by line. */
import type { FlowVersionPairResult } from '@/generated/flow'
import type { Json } from '@/shared/graphql/document'

export type Version = NonNullable<FlowVersionPairResult['one']>

export interface Line {
  kind: 'same' | 'gone' | 'new'
  text: string
}

export interface Part {
  name: string
  lines: Line[]
}

/** Beyond this many lines on either side a part is shown as a whole, gone and new. */
const LINES_MAX = 1500
/** Same lines that are shown beside those that differ. */
const AROUND = 3

/** The parts of two versions that differ. */
export function differences(before: Version, after: Version): Part[] {
  const parts: [string, (version: Version) => string[]][] = [
    ['Tasks', ({ tasks }) => tasks.map(taskLine)],
    [
      'Parameters',
      ({ parameters }) => (Array.isArray(parameters) ? parameters : []).map((each) => JSON.stringify(each)),
    ],
    ['Schedule', ({ schedule }) => linesOf(schedule)],
    ['Run config', ({ run_config }) => linesOf(run_config)],
    ['Environment', ({ environment }) => linesOf(environment)],
    ['Code storage', ({ storage }) => linesOf(storage)],
    ['Made with', ({ core_version }) => [`prefect ${core_version ?? 'unknown'}`]],
  ]
  return parts
    .map(([name, lines]) => ({ name, lines: diff(lines(before), lines(after)) }))
    .filter(({ lines }) => lines.some(({ kind }) => kind !== 'same'))
}

function taskLine(task: Version['tasks'][number]): string {
  const { slug, name, type, trigger, mapped, max_retries, retry_delay, cache_key, tags } = task
  const parts = [name ?? slug, slug, type, trigger, mapped && 'mapped']
  if (max_retries) parts.push(`${max_retries} retries every ${String(retry_delay)}`)
  if (cache_key) parts.push(`cache ${cache_key}`)
  if (Array.isArray(tags) && tags.length > 0) parts.push(`tags ${tags.map(String).join(', ')}`)
  return parts.filter((part) => typeof part === 'string' && part !== '').join(' · ')
}

function linesOf(document: Json): string[] {
  return document === null ? [] : JSON.stringify(document, null, 2).split('\n')
}

/** The lines of both, by their longest common subsequence. */
export function diff(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let end = 0
  while (
    end < Math.min(before.length, after.length) - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end += 1
  const [one, other] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ kind: 'same', text }))
  return [...same(before.slice(0, start)), ...between(one, other), ...same(before.slice(before.length - end))]
}

function between(one: readonly string[], other: readonly string[]): Line[] {
  if (one.length > LINES_MAX || other.length > LINES_MAX) {
    return [...one.map((text): Line => ({ kind: 'gone', text })), ...other.map((text): Line => ({ kind: 'new', text }))]
  }
  const width = other.length + 1
  const longest = new Uint16Array((one.length + 1) * width)
  for (let i = one.length - 1; i >= 0; i -= 1) {
    for (let j = other.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] =
        one[i] === other[j]
          ? longest[(i + 1) * width + j + 1]! + 1
          : Math.max(longest[(i + 1) * width + j]!, longest[i * width + j + 1]!)
    }
  }
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < one.length || j < other.length) {
    if (i < one.length && j < other.length && one[i] === other[j]) {
      lines.push({ kind: 'same', text: one[i]! })
      i += 1
      j += 1
    } else if (i < one.length && (j === other.length || longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) {
      lines.push({ kind: 'gone', text: one[i]! })
      i += 1
    } else {
      lines.push({ kind: 'new', text: other[j]! })
      j += 1
    }
  }
  return lines
}

/** The lines that are shown: those that differ with some around; null stands for what is left out. */
export function folded(lines: readonly Line[]): (Line | null)[] {
  const isNear = lines.map((_, index) =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== 'same'),
  )
  const made: (Line | null)[] = []
  lines.forEach((line, index) => {
    if (isNear[index]) made.push(line)
    else if (made.at(-1) !== null) made.push(null)
  })
  return made
}
