/**
 * The one WebSocket of this tab: queries that are followed over `graphql-transport-ws`.
 *
 * In charge of connecting, healing and of asking everything again after a break; not in charge of what a page does with
 * answers (`live`).
 */
import { computed, shallowRef } from 'vue'
import type { Document } from './document'
import { Failure, failureOf, type ServerError } from './failure'
import { ENDPOINT, request } from './request'
import { connectionOf, delayMs, FAILURES_BEFORE_POLLING, POLL_MS } from './socket.model'

interface Follower {
  document: Document<unknown, unknown>
  variables: unknown
  intervalS: number
  take: (data: unknown) => void
  fail: (failure: Failure) => void
}

interface Message {
  type: string
  id?: string
  payload?: unknown
}

const followers = new Map<string, Follower>()
const isOpen = shallowRef(false)
const failures = shallowRef(0)
const doesHttpWork = shallowRef(false)
let socket: WebSocket | null = null
let retry: ReturnType<typeof setTimeout> | undefined
let polling: ReturnType<typeof setTimeout> | undefined
let lastKey = 0

/** What to tell of the connection. */
export const connection = computed(() => connectionOf(isOpen.value, failures.value, doesHttpWork.value))

/**
 * Follows a query: `take` gets its answer now and whenever it has changed, until the returned function is called.
 * `intervalS` is how long the server waits before asking again, for questions that cost something.
 */
export function follow<Result, Variables>(
  document: Document<Result, Variables>,
  variables: Variables,
  intervalS: number,
  take: (data: Result) => void,
  fail: (failure: Failure) => void,
): () => void {
  const key = String(++lastKey)
  const follower = { document, variables, intervalS, take, fail } as Follower
  followers.set(key, follower)
  if (isOpen.value) ask(key, follower)
  else if (failures.value >= FAILURES_BEFORE_POLLING) void poll(follower)
  connect()
  return () => {
    if (followers.delete(key) && isOpen.value) send({ type: 'complete', id: key })
  }
}

/** Tries to connect at once: somebody has come back to the page, or the network has. */
export function reconnect(): void {
  if (socket !== null) return
  clearTimeout(retry)
  retry = undefined
  connect()
}

function connect(): void {
  if (socket !== null || retry !== undefined) return
  const url = new URL(ENDPOINT, location.href)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  const made = new WebSocket(url, 'graphql-transport-ws')
  socket = made
  made.onopen = () => made.send(JSON.stringify({ type: 'connection_init' }))
  made.onmessage = (event) => hear(JSON.parse(event.data as string) as Message)
  made.onclose = () => {
    socket = null
    isOpen.value = false
    failures.value += 1
    retry = setTimeout(
      () => {
        retry = undefined
        connect()
      },
      delayMs(failures.value, Math.random()),
    )
    if (failures.value === FAILURES_BEFORE_POLLING) pollAll()
  }
}

function hear(message: Message): void {
  if (message.type === 'connection_ack') {
    isOpen.value = true
    failures.value = 0
    clearTimeout(polling)
    for (const [key, follower] of followers) ask(key, follower)
    return
  }
  if (message.type === 'ping') return send({ type: 'pong' })
  const follower = followers.get(message.id ?? '')
  if (follower === undefined) return
  if (message.type === 'next') {
    const answer = message.payload as { data?: unknown; errors?: ServerError[] }
    if (answer.errors?.length) follower.fail(failureOf(answer.errors))
    else follower.take(answer.data)
  } else if (message.type === 'error') {
    follower.fail(failureOf(message.payload as ServerError[]))
  }
}

function ask(key: string, { document, variables, intervalS }: Follower): void {
  const payload = {
    query: document.text,
    operationName: document.name,
    variables,
    extensions: { follow: { interval_s: intervalS } },
  }
  send({ type: 'subscribe', id: key, payload })
}

function send(message: Message): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

/** While there is no socket: asks for everything over HTTP, one after the other, as long as somebody looks. */
function pollAll(): void {
  clearTimeout(polling)
  if (isOpen.value) return
  const turn = async () => {
    if (globalThis.document.visibilityState === 'visible') {
      for (const follower of [...followers.values()]) await poll(follower)
    }
    if (!isOpen.value) polling = setTimeout(() => void turn(), POLL_MS)
  }
  void turn()
}

async function poll(follower: Follower): Promise<void> {
  try {
    const data = await request(follower.document, follower.variables)
    doesHttpWork.value = true
    follower.take(data)
  } catch (error) {
    const failure = error instanceof Failure ? error : new Failure(String(error), 'UNKNOWN')
    if (failure.isLost) doesHttpWork.value = false
    follower.fail(failure)
  }
}

if (typeof window !== 'undefined') {
  window.addEventListener('online', reconnect)
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') reconnect()
  })
}
