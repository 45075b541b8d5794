/** The form of a new run: fields made from the parameters of the flow, what is wrong with them, and what is sent. */
import type { CreateFlowRunInput } from '@/generated/run-flow'
import { labelsIn, labelsOf } from '@/shared/format/labels.model'
import { readJson } from '@/shared/format/json.model'
import type { Json } from '@/shared/graphql/document'

export type Kind = 'text' | 'number' | 'flag' | 'json'
export type JsonObject = { [key: string]: Json }

export interface Parameter {
  name: string
  isRequired: boolean
  /** What a run gets if nothing is said; undefined where there is nothing. */
  fallback: Json | undefined
  kind: Kind
}

/** What is typed for a parameter: the text of the field; for flags `true` or `false`. */
export interface Field {
  kind: Kind
  typed: string
}

export interface Given {
  name: string
  labels: string
  runConfig: string
  context: string
  /** As the field for date and time gives it; empty for now. */
  later: string
  priority: string
}

interface FlowLike {
  parameters: Json
  run_config: Json
  environment: Json
  flow_group: { labels: Json; default_parameters: Json; run_config: Json } | null
}

/** At most this much is taken by the server for one document. */
const BYTES_MAX = 1_000_000
const EARLIER_MAX = 30
const PRIORITY_MAX = 2_147_483_647

/** The parameters of a flow, required ones first, with the defaults of its group before its own. */
export function parametersOf(flow: FlowLike): Parameter[] {
  const ofGroup = asObject(flow.flow_group?.default_parameters)
  const made = (Array.isArray(flow.parameters) ? flow.parameters : []).flatMap((row) => {
    const each = asObject(row)
    if (typeof each.name !== 'string') return []
    const isGiven = Object.hasOwn(ofGroup, each.name)
    const isRequired = each.required === true && !isGiven
    const fallback = isGiven ? ofGroup[each.name] : isRequired ? undefined : (each.default ?? null)
    return [
      { name: each.name, isRequired, fallback, kind: fallback === undefined ? 'json' : kindOf(fallback) } as const,
    ]
  })
  return made.toSorted((one, other) => Number(other.isRequired) - Number(one.isRequired))
}

/** The kind of field for a value. */
export function kindOf(value: Json): Kind {
  if (typeof value === 'boolean') return 'flag'
  if (typeof value === 'number') return 'number'
  return typeof value === 'string' ? 'text' : 'json'
}

/** The field that shows a value; a value of another type than the default is shown as JSON. */
export function fieldOf(parameter: Parameter, value: Json | undefined): Field {
  if (value === undefined) return { kind: parameter.kind, typed: '' }
  const kind = kindOf(value) === parameter.kind ? parameter.kind : 'json'
  return { kind, typed: kind === 'text' ? String(value) : JSON.stringify(value) }
}

/** The value of a field, or what is wrong with it. */
export function valueOf(parameter: Parameter, field: Field): { value?: Json; problem?: string } {
  if (field.kind === 'text') return { value: field.typed }
  const typed = field.typed.trim()
  if (typed === '') {
    return { problem: parameter.isRequired ? 'The flow needs a value here.' : 'Write a value; null is one too.' }
  }
  if (field.kind === 'number') {
    const value = Number(typed)
    return Number.isFinite(value) ? { value } : { problem: `${typed} is not a number.` }
  }
  const read = readJson(typed, BYTES_MAX)
  return read.problem === null ? { value: read.value } : { problem: read.problem }
}

export interface Collected {
  /** Every parameter that has a value. */
  all: JsonObject
  problems: Map<string, string>
}

/** The values of all fields. */
export function collect(parameters: readonly Parameter[], fields: ReadonlyMap<string, Field>): Collected {
  const all: JsonObject = {}
  const problems = new Map<string, string>()
  for (const parameter of parameters) {
    const { value, problem } = valueOf(parameter, fields.get(parameter.name) ?? fieldOf(parameter, parameter.fallback))
    if (problem !== undefined) problems.set(parameter.name, problem)
    else if (value !== undefined) put(all, parameter.name, value)
  }
  return { all, problems }
}

/** The parameters of a document that was typed as a whole, or what is wrong with it. */
export function readDocument(
  parameters: readonly Parameter[],
  typed: string,
): { value: JsonObject; problem: null } | { value: null; problem: string } {
  const read = readJson(typed, BYTES_MAX)
  if (read.problem !== null) return read
  if (!isObject(read.value)) return { value: null, problem: 'Parameters are an object: {"name": value}.' }
  const known = new Set(parameters.map(({ name }) => name))
  const strange = Object.keys(read.value).find((name) => !known.has(name))
  if (strange !== undefined) return { value: null, problem: `The flow has no parameter ${strange}.` }
  const missing = parameters.find(
    ({ name, isRequired }) => isRequired && !Object.hasOwn(read.value as JsonObject, name),
  )
  if (missing !== undefined) return { value: null, problem: `The flow needs the parameter ${missing.name}.` }
  return { value: read.value, problem: null }
}

/** Those values that differ from what a run gets anyway: defaults that are changed later then hold. */
export function changed(parameters: readonly Parameter[], all: JsonObject): JsonObject {
  const made: JsonObject = {}
  for (const { name, fallback } of parameters) {
    if (Object.hasOwn(all, name) && !isSame(all[name]!, fallback)) put(made, name, all[name]!)
  }
  return made
}

/** The runs that may be repeated: the last that started, of whatever version, the newest first. */
export function earlierOf<Run extends { start_time: string | null }>(
  versions: readonly { flow_runs: readonly Run[] }[],
): Run[] {
  return versions
    .flatMap(({ flow_runs }) => flow_runs)
    .toSorted((one, other) => (other.start_time ?? '').localeCompare(one.start_time ?? ''))
    .slice(0, EARLIER_MAX)
}

/** The labels and the run config that a run gets if nothing is said. */
export function defaultsOf(flow: FlowLike): { labels: string[]; runConfig: Json } {
  const runConfig = flow.flow_group?.run_config ?? flow.run_config
  const labels = flow.flow_group?.labels ?? labelsIn(runConfig) ?? labelsIn(flow.environment)
  return { labels: Array.isArray(labels) ? labels.map(String) : [], runConfig }
}

/** What is sent, or what is wrong, by field. Says nothing of what is as it would be anyway. */
export function inputOf(
  flowId: string,
  defaults: { labels: string[]; runConfig: Json },
  parameters: JsonObject,
  given: Given,
  zone: string,
  nowMs: number,
): { input: CreateFlowRunInput; problems: Map<keyof Given, string> } {
  const problems = new Map<keyof Given, string>()
  const input: CreateFlowRunInput = { flow_id: flowId, parameters }
  if (given.name.trim() !== '') input.flow_run_name = given.name.trim()
  const labels = labelsOf(given.labels)
  if (!isSame(labels, defaults.labels)) input.labels = labels
  const runConfig = readObject(given.runConfig)
  if (runConfig.problem !== undefined) problems.set('runConfig', runConfig.problem)
  else if (!isSame(runConfig.value ?? null, defaults.runConfig)) {
    if (runConfig.value === null) problems.set('runConfig', 'A run cannot be without its run config; put it back.')
    else input.run_config = runConfig.value
  }
  const context = readObject(given.context)
  if (context.problem !== undefined) problems.set('context', context.problem)
  else if (context.value !== null && Object.keys(context.value).length > 0) input.context = context.value
  if (given.later !== '') {
    const ms = laterMs(given.later, zone)
    if (ms === null) problems.set('later', 'This is not a date and a time.')
    else if (ms < nowMs - 60_000) problems.set('later', 'This is past; choose a time to come, or run now.')
    else input.scheduled_start_time = new Date(ms).toISOString()
  }
  const priority = given.priority.trim()
  if (priority !== '' && priority !== '0') {
    if (/^-?\d+$/.test(priority) && Math.abs(Number(priority)) <= PRIORITY_MAX) input.priority = Number(priority)
    else problems.set('priority', 'A priority is a whole number; higher goes first.')
  }
  return { input, problems }
}

/** The instant of a date and time as typed, in UTC or in the zone of the browser. */
export function laterMs(typed: string, zone: string): number | null {
  const ms = Date.parse(zone === 'UTC' ? `${typed}Z` : typed)
  return Number.isNaN(ms) ? null : ms
}

function readObject(typed: string): { value: JsonObject | null; problem?: undefined } | { problem: string } {
  if (typed.trim() === '') return { value: null }
  const read = readJson(typed, BYTES_MAX)
  if (read.problem !== null) return { problem: read.problem }
  if (read.value === null) return { value: null }
  return isObject(read.value) ? { value: read.value } : { problem: 'This must be an object: {"name": value}.' }
}

/** Sets a name that a flow has chosen, whatever it is: `__proto__` too is but a name. */
function put(into: JsonObject, name: string, value: Json): void {
  Object.defineProperty(into, name, { value, enumerable: true, configurable: true, writable: true })
}

function isSame(one: Json, other: Json | undefined): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other ?? null)) && other !== undefined
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map(sorted)
  if (!isObject(value)) return value
  return Object.keys(value)
    .toSorted()
    .map((key) => [key, sorted(value[key]!)])
}

function asObject(value: Json | undefined): JsonObject {
  return value !== undefined && isObject(value) ? value : {}
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
