/** Patterns of the API's `_like` and `_ilike`. */

/** Text in which `%`, `_` and `\` stand for themselves in a pattern. */
export function escaped(given: string): string {
  return given.replace(/[\\%_]/g, (sign) => `\\${sign}`)
}

/** The pattern for whatever contains what was typed; blanks around it do not count. */
export function containing(typed: string): string {
  return `%${escaped(typed.trim())}%`
}
