/** Texts of any length, as they are shown in a line. */

/** The first line of a text that says something; empty where there is none. */
export function firstLine(text: string | null): string {
  return (
    text
      ?.split('\n')
      .find((line) => line.trim() !== '')
      ?.trim() ?? ''
  )
}
