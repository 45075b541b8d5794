/** Which agents are well, and why runs that are due have not been taken. */
import type { Json } from '@/shared/graphql/document'

/** Agents ask at least once a minute while they are idle; twice that may be a slow network. */
const WELL_MS = 120_000
const SILENT_MS = 15 * 60_000
/** A run that is due for a shorter time may just be on its way. */
const LATE_MS = 15_000

export type Health = 'well' | 'late' | 'silent' | 'never'

export interface AgentLike {
  id: string
  name: string | null
  type: string | null
  labels: Json
  last_queried: string | null
}

export interface RunLike {
  id: string
  name: string | null
  labels: Json
  state_start_time: string | null
}

export interface WaitingGroup {
  labels: string[]
  runs: RunLike[]
  /** When the first of them was due. */
  since: string
  reason: string
  isWaitingForPeople: boolean
}

/** How long it is since an agent has asked for work, in kind. */
export function healthOf(agent: AgentLike, nowMs: number): Health {
  if (agent.last_queried === null) return 'never'
  const ago = nowMs - Date.parse(agent.last_queried)
  return ago <= WELL_MS ? 'well' : ago <= SILENT_MS ? 'late' : 'silent'
}

export const HEALTH_NAMES: Record<Health, string> = {
  well: 'Healthy',
  late: 'Quiet',
  silent: 'Silent',
  never: 'Never asked',
}

/** Whether the settings of a tenant say that agents are offered nothing. */
export function isQueuePaused(settings: unknown): boolean {
  return typeof settings === 'object' && settings !== null && 'work_queue_paused' in settings
    ? settings.work_queue_paused === true
    : false
}

/** What to call an agent. */
export function nameOfAgent(agent: AgentLike): string {
  return agent.name ?? agent.type ?? 'An agent without a name'
}

/** Labels as text, whatever stands in the column. */
export function labelsOf(labels: Json): string[] {
  return Array.isArray(labels) ? labels.map(String) : []
}

/** Whether an agent is offered a run: it has all its labels, and a run without labels goes to agents without any. */
export function fits(agentLabels: readonly string[], runLabels: readonly string[]): boolean {
  if (runLabels.length === 0) return agentLabels.length === 0
  return runLabels.every((label) => agentLabels.includes(label))
}

/** The runs that should have been taken, by their labels, each group with the reason; the longest wait first. */
export function waitingGroups(
  runs: readonly RunLike[],
  agents: readonly AgentLike[],
  isPaused: boolean,
  nowMs: number,
): WaitingGroup[] {
  const groups = new Map<string, RunLike[]>()
  for (const run of runs) {
    if (run.state_start_time === null || nowMs - Date.parse(run.state_start_time) < LATE_MS) continue
    const key = JSON.stringify(labelsOf(run.labels).toSorted())
    groups.set(key, [...(groups.get(key) ?? []), run])
  }
  return [...groups]
    .map(([key, members]) => {
      const labels = JSON.parse(key) as string[]
      return {
        labels,
        runs: members,
        since: members[0]!.state_start_time!,
        reason: reasonOf(labels, agents, isPaused, nowMs),
        isWaitingForPeople: !isPaused && !agents.some((agent) => canTake(agent, labels, nowMs)),
      }
    })
    .toSorted((one, other) => one.since.localeCompare(other.since))
}

function canTake(agent: AgentLike, labels: readonly string[], nowMs: number): boolean {
  return fits(labelsOf(agent.labels), labels) && healthOf(agent, nowMs) === 'well'
}

/** Why no agent has taken runs with these labels, in a sentence. */
export function reasonOf(
  labels: readonly string[],
  agents: readonly AgentLike[],
  isPaused: boolean,
  nowMs: number,
): string {
  if (isPaused) return 'The work queue is paused: agents are offered nothing until it goes on.'
  if (agents.length === 0) return 'No agent has ever asked for runs.'
  const fitting = agents.filter((agent) => fits(labelsOf(agent.labels), labels))
  const well = fitting.find((agent) => healthOf(agent, nowMs) === 'well')
  if (well) return `${nameOfAgent(well)} fits and asks for runs; it should take them any moment, or is at its limit.`
  if (fitting.length > 0) {
    const names = fitting.map(nameOfAgent).slice(0, 3).join(', ')
    return `${names} ${fitting.length === 1 ? 'fits' : 'fit'}, but ${fitting.length === 1 ? 'is' : 'are'} silent.`
  }
  if (labels.length === 0) return 'Runs without labels go to agents without labels, and there is none.'
  const nearest = agents
    .map((agent) => ({ agent, lacking: labels.filter((label) => !labelsOf(agent.labels).includes(label)) }))
    .toSorted((one, other) => one.lacking.length - other.lacking.length)[0]!
  const all = `No agent has ${labels.length === 1 ? 'the label' : 'all the labels'} ${labels.join(', ')}`
  if (nearest.lacking.length === labels.length) return `${all}.`
  return `${all}; ${nameOfAgent(nearest.agent)} comes nearest and lacks ${nearest.lacking.join(', ')}.`
}

/** The command that starts an agent for labels. */
export function commandFor(labels: readonly string[]): string {
  const given = labels.map(
    (label) => ` --label ${/^[\w.:/-]+$/.test(label) ? label : `'${label.replaceAll("'", `'\\''`)}'`}`,
  )
  return `eparch agent start local${given.join('')}`
}
