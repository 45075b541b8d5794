/** What a line of a log says, and which lines are meant. Not in charge of getting them (`plan.model`, `useLines`). */
import type { LogBoolExp, LogLinesResult } from '@/generated/log'

export type Line = LogLinesResult['log'][number]

export const LEVELS = ['all', 'info', 'warning', 'error'] as const
export type Level = (typeof LEVELS)[number]
export const ERRORS = ['ERROR', 'CRITICAL']

/** Whose log it is: that of a flow run, of one of its task runs, or of a task run wherever it belongs. */
export interface Scope {
  flowRunId: string | null
  taskRunId: string | null
}

/** The condition for lines of a level or a worse one that hold a text. */
export function whereOf({ flowRunId, taskRunId }: Scope, level: Level, text: string): LogBoolExp {
  const where: LogBoolExp = {}
  if (flowRunId !== null) where.flow_run_id = { _eq: flowRunId }
  if (taskRunId !== null) where.task_run_id = { _eq: taskRunId }
  if (level === 'info') where.level = { _nin: ['DEBUG', 'NOTSET', 'TRACE'] }
  if (level === 'warning') where.level = { _in: ['WARNING', ...ERRORS] }
  if (level === 'error') where.level = { _in: ERRORS }
  if (text.trim() !== '') where.message = { _ilike: `%${text.trim().replace(/[\\%_]/g, (sign) => `\\${sign}`)}%` }
  return where
}

/** The condition for what comes before a line; others may be of the same instant. */
export function beforeLine({ timestamp, id }: Line): LogBoolExp {
  return {
    timestamp: { _lte: timestamp },
    _or: [{ timestamp: { _lt: timestamp } }, { id: { _lt: id } }],
  }
}

/** The pieces of a message, those that were looked for apart. */
export function pieces(message: string, wanted: string): { text: string; isFound: boolean }[] {
  const needle = wanted.trim().toLowerCase()
  if (needle === '') return [{ text: message, isFound: false }]
  const made: { text: string; isFound: boolean }[] = []
  const low = message.toLowerCase()
  // Lower case may be longer than what it came from: then the places do not match, and nothing is marked.
  if (low.length !== message.length) return [{ text: message, isFound: false }]
  let from = 0
  for (let at = low.indexOf(needle); at >= 0 && made.length < 200; at = low.indexOf(needle, from)) {
    if (at > from) made.push({ text: message.slice(from, at), isFound: false })
    made.push({ text: message.slice(at, at + needle.length), isFound: true })
    from = at + needle.length
  }
  if (from < message.length) made.push({ text: message.slice(from), isFound: false })
  return made
}

/** A line as it stands in a file. */
export function fileLine(line: Line): string {
  return `${line.timestamp} ${(line.level ?? '').padEnd(8)} ${line.name ?? ''} ${line.message ?? ''}\n`
}

/** A name that every file system takes. */
export function fileName(name: string): string {
  return `${name.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80) || 'run'}.log`
}

/** What a level means for the eye. */
export function toneOf(level: string | null): 'bad' | 'warn' | 'quiet' | 'plain' {
  if (level !== null && ERRORS.includes(level)) return 'bad'
  if (level === 'WARNING') return 'warn'
  return level === 'DEBUG' ? 'quiet' : 'plain'
}
