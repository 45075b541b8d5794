export function generate(): void
export function moduleOf(text: string, schema: unknown, path: string): string
