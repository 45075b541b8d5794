/** All lines of a log, page after page: for files and for the clipboard. */
import { LogLines, type LogBoolExp } from '@/generated/log'
import { request } from '@/shared/graphql/request'
import { fileLine, fileName, type Line } from './lines.model'

const PAGE = 5000

/** Gives all lines that meet a condition, in order. */
export async function* everyLine(where: LogBoolExp, signal: AbortSignal): AsyncGenerator<Line[]> {
  let after: Line | null = null
  for (;;) {
    const rest: LogBoolExp =
      after === null
        ? where
        : {
            ...where,
            timestamp: { _gte: after.timestamp },
            _or: [{ timestamp: { _gt: after.timestamp } }, { id: { _gt: after.id } }],
          }
    const order = [{ timestamp: 'asc' as const }, { id: 'asc' as const }]
    const { log } = await request(LogLines, { where: rest, order_by: order, limit: PAGE, offset: 0 }, signal)
    if (log.length > 0) yield log
    if (log.length < PAGE) return
    after = log.at(-1)!
  }
}

/** Makes a file of all lines; `told` hears how many have come. Returns how many there are. */
export async function download(
  where: LogBoolExp,
  name: string,
  signal: AbortSignal,
  told: (lines: number) => void,
): Promise<number> {
  const parts: Blob[] = []
  let count = 0
  for await (const page of everyLine(where, signal)) {
    parts.push(new Blob([page.map(fileLine).join('')]))
    count += page.length
    told(count)
  }
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/plain' }))
  const link = Object.assign(document.createElement('a'), { href: url, download: fileName(name) })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
  return count
}

/** Puts the first lines, `most` at the most, on the clipboard. Returns how many. */
export async function copy(where: LogBoolExp, most: number, signal: AbortSignal): Promise<number> {
  const lines: string[] = []
  for await (const page of everyLine(where, signal)) {
    lines.push(...page.map(fileLine))
    if (lines.length >= most) break
  }
  const taken = lines.slice(0, most)
  await navigator.clipboard.writeText(taken.join(''))
  return taken.length
}
