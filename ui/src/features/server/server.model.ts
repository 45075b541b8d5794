/** How the server is, in words. */
import type { ServerStatusResult } from '@/generated/server'
import type { Json } from '@/shared/graphql/document'
import { count, whole } from '@/shared/format/number.model'

/** `812 B`, `4.2 MB`, `1.3 GB`: in thousands, as disks are sold. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const SERVICES: Record<string, { name: string; purpose: string }> = {
  backfiller: { name: 'Backfiller', purpose: 'Lets backfills go on as their runs end.' },
  scheduler: { name: 'Scheduler', purpose: 'Makes the next runs of every active schedule.' },
  lazarus: { name: 'Lazarus', purpose: 'Starts runs anew whose process was lost.' },
  zombie_killer: { name: 'Zombie killer', purpose: 'Ends task runs whose process died.' },
  dispatcher: { name: 'Dispatcher', purpose: 'Judges runs that are held until they are due.' },
  secret_keeper: { name: 'Secret keeper', purpose: 'Brings all secrets under the first key.' },
  retention: { name: 'Retention', purpose: 'Deletes what is older than it may get.' },
}

/** What a service is called, and what it is for. */
export function serviceOf(name: string): { name: string; purpose: string } {
  return SERVICES[name] ?? { name: name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' '), purpose: '' }
}

/** What a pass came to: `12 flows, 3 flow runs`; what is nothing is left out. */
export function countsOf(counts: Json): string {
  if (typeof counts !== 'object' || counts === null || Array.isArray(counts)) return ''
  const told = Object.entries(counts).filter(([, value]) => typeof value === 'number' && value !== 0)
  if (told.length === 0) return 'nothing to do'
  return told.map(([name, value]) => `${whole(value as number)} ${name.replaceAll('_', ' ')}`).join(', ')
}

export type ServiceHealth = 'well' | 'starting' | 'failing' | 'unheld'

/** Whether a service runs somewhere, and whether its last pass ended well. */
export function healthOf(service: {
  holder: string | null
  last_pass: string | null
  last_error: string | null
}): ServiceHealth {
  if (service.last_error !== null) return 'failing'
  if (service.holder === null) return 'unheld'
  return service.last_pass === null ? 'starting' : 'well'
}

export const HEALTH_NAMES: Record<ServiceHealth, string> = {
  well: 'Working',
  starting: 'Starting',
  failing: 'Failing',
  unheld: 'Run by no server',
}

const KEPT = [
  { kind: 'runs', name: 'Runs' },
  { kind: 'logs', name: 'Logs' },
  { kind: 'artifacts', name: 'Artifacts' },
] as const

export interface Kept {
  name: string
  /** For how long, in words. */
  time: string
  /** The projects in which it is otherwise. */
  exceptions: { id: string; name: string; time: string }[]
}

/** For how long what is kept, and where it is otherwise. What has no rule is kept for ever. */
export function keptOf(rules: ServerStatusResult['retention_rule']): Kept[] {
  return KEPT.map(({ kind, name }) => {
    const own = rules.filter((rule) => rule.kind === kind)
    const general = own.find(({ project }) => project === null)
    const exceptions = own.flatMap(({ id, project, keep_days }) =>
      project === null ? [] : [{ id, name: project.name, time: daysOf(keep_days) }],
    )
    return { name, time: daysOf(general?.keep_days ?? null), exceptions }
  })
}

function daysOf(days: number | null): string {
  return days === null ? 'for ever' : count(days, 'day')
}
