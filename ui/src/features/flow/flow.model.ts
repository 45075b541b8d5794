/** The page of a flow: its tabs, and what its documents say. */
import type { FlowHeadResult } from '@/generated/flow'
import { labelsIn } from '@/shared/format/labels.model'
import type { Json } from '@/shared/graphql/document'
import { choice } from '@/shared/url/query.model'

export type Flow = NonNullable<FlowHeadResult['flow_by_pk']>
export type Group = NonNullable<Flow['flow_group']>

export const TABS = [
  { key: 'overview', name: 'Overview' },
  { key: 'runs', name: 'Runs' },
  { key: 'schematic', name: 'Schematic' },
  { key: 'tasks', name: 'Tasks' },
  { key: 'schedule', name: 'Schedule' },
  { key: 'backfills', name: 'Backfills' },
  { key: 'versions', name: 'Versions' },
  { key: 'settings', name: 'Settings' },
] as const
export type Tab = (typeof TABS)[number]['key']

export const QUERY = {
  tab: choice(
    TABS.map(({ key }) => key),
    'overview',
  ),
}

export interface ShownParameter {
  name: string
  isRequired: boolean
  /** The default as JSON; null where there is none. */
  value: string | null
  isOfGroup: boolean
}

/** The parameters with what a run gets for each. */
export function parametersOf(flow: Flow): ShownParameter[] {
  const ofGroup = fieldsOf(flow.flow_group?.default_parameters)
  return (Array.isArray(flow.parameters) ? flow.parameters : []).flatMap((row) => {
    const each = fieldsOf(row)
    if (typeof each.name !== 'string') return []
    const isOfGroup = Object.hasOwn(ofGroup, each.name)
    const isRequired = each.required === true && !isOfGroup
    const value = isOfGroup ? ofGroup[each.name]! : (each.default ?? null)
    return [{ name: each.name, isRequired, isOfGroup, value: isRequired ? null : JSON.stringify(value) }]
  })
}

/** The labels that runs get. */
export function labelsOf(flow: Flow): Json {
  return flow.flow_group?.labels ?? labelsIn(flow.run_config) ?? labelsIn(flow.environment) ?? []
}

/** Where the code is: the kind of storage and the first thing it says of a place. */
export function storageOf(storage: Json): { kind: string; place: string | null } | null {
  const fields = fieldsOf(storage)
  if (typeof fields.type !== 'string') return null
  const place = ['path', 'image_name', 'key', 'blob', 'repo', 'bucket', 'directory']
    .map((name) => fields[name])
    .find((value) => typeof value === 'string' && value !== '')
  return { kind: fields.type, place: typeof place === 'string' ? place : null }
}

/** The short name of a class: `prefect.triggers.all_successful` is `all_successful`. */
export function lastName(path: string | null): string {
  return path?.split('.').at(-1) ?? '–'
}

/** Whether a switch of the settings is on. Heartbeats and Lazarus are on where nothing is said. */
export function isOn(
  settings: Json,
  name: 'heartbeat_enabled' | 'lazarus_enabled' | 'version_locking_enabled',
): boolean {
  const value = fieldsOf(settings)[name]
  return typeof value === 'boolean' ? value : name !== 'version_locking_enabled'
}

function fieldsOf(value: Json | undefined): { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
