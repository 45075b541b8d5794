/** What the command palette offers for what was typed: pages, things to do, and what the server finds. */
import type { PaletteByIdResult, PaletteSearchResult } from '@/generated/palette'
import type { IconName } from '@/shared/components/icons'

export interface Offer {
  key: string
  group: 'Go to' | 'Do' | 'Flows' | 'Runs' | 'Tasks' | 'Projects'
  name: string
  about: string
  icon: IconName | null
  /** The state of a run, in place of an icon. */
  state?: string | null
  to: string | null
}

/** Whether each word that was typed is in the name, in any order. */
export function fits(name: string, typed: string): boolean {
  const low = name.toLowerCase()
  return typed
    .toLowerCase()
    .split(/\s+/)
    .every((word) => low.includes(word))
}

/** The id that was typed or pasted, with or without hyphens; null where it is none. */
export function idOf(typed: string): string | null {
  const found = /([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})/i.exec(typed)
  return found === null ? null : found.slice(1).join('-').toLowerCase()
}

/** The pattern for a search, in which signs of patterns stand for themselves. */
export function patternOf(typed: string): string {
  return `%${typed.trim().replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`
}

/** What a search has found. */
export function found({ flow, flow_run: runs, project }: PaletteSearchResult): Offer[] {
  return [
    ...flow.map((each): Offer => ({
      ...{ key: `flow ${each.id}`, group: 'Flows', name: each.name, icon: 'flows' },
      ...{ about: each.project?.name ?? '', to: `/flow/${each.id}` },
    })),
    ...runs.map((each): Offer => ({
      ...{ key: `run ${each.id}`, group: 'Runs', name: each.name ?? each.id, icon: null, state: each.state },
      ...{ about: each.flow?.name ?? '', to: `/flow-run/${each.id}` },
    })),
    ...project.map((each): Offer => ({
      ...{ key: `project ${each.id}`, group: 'Projects', name: each.name, icon: 'projects', about: '' },
      to: `/runs?project=${each.id}`,
    })),
  ]
}

/** What has an id. */
export function foundById({ flow_run_by_pk: run, task_run_by_pk: task, flow_by_pk: flow }: PaletteByIdResult): Offer[] {
  const offers: Offer[] = []
  if (run !== null) {
    const more = { name: run.name ?? run.id, about: 'run', icon: null, state: run.state, to: `/flow-run/${run.id}` }
    offers.push({ key: `run ${run.id}`, group: 'Runs', ...more })
  }
  if (task !== null) {
    const name = task.name ?? task.task?.name ?? task.id
    const more = { name, about: 'task run', icon: null, state: task.state, to: `/task-run/${task.id}` }
    offers.push({ key: `task ${task.id}`, group: 'Tasks', ...more })
  }
  if (flow !== null) {
    offers.push({
      key: `flow ${flow.id}`,
      group: 'Flows',
      name: flow.name,
      about: '',
      icon: 'flows',
      to: `/flow/${flow.id}`,
    })
  }
  return offers
}
