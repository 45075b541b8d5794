/** Short news at the edge of the page: that something was done, or why it was not. */
import { shallowRef } from 'vue'
import type { RouteLocationRaw } from 'vue-router'
import { asFailure } from '@/shared/graphql/failure'

export interface Toast {
  key: number
  kind: 'done' | 'failed'
  text: string
  hint: string | null
  link: { text: string; to: RouteLocationRaw } | null
}

export const toasts = shallowRef<readonly Toast[]>([])
let last = 0

/** Says that something was done; goes away by itself. */
export function tellDone(text: string, link: Toast['link'] = null): void {
  add({ key: ++last, kind: 'done', text, hint: null, link }, 6000)
}

/** Says that something failed; stays long enough to be read. */
export function tellFailure(error: unknown): void {
  const { message, hint } = asFailure(error)
  add({ key: ++last, kind: 'failed', text: message, hint, link: null }, 20_000)
}

/** Takes one away. */
export function dismiss(key: number): void {
  toasts.value = toasts.value.filter((toast) => toast.key !== key)
}

function add(toast: Toast, ms: number): void {
  toasts.value = [...toasts.value.slice(-3), toast]
  setTimeout(() => dismiss(toast.key), ms)
}
