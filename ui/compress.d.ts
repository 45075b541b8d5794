import type { Plugin } from 'vite'

export function compress(folder: string): void
export function compressed(): Plugin
