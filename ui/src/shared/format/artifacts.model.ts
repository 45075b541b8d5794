/** What an artifact is: somebody else wrote it, so a link is one only if it leads to a web page. */
import type { Json } from '@/shared/graphql/document'

export type Artifact =
  { kind: 'link'; href: string } | { kind: 'markdown'; text: string } | { kind: 'other'; value: Json }

/** Reads the document of an artifact. */
export function artifactOf(kind: string, data: Json): Artifact {
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) {
    if (kind === 'link' && typeof data.link === 'string' && isWebAddress(data.link))
      return { kind: 'link', href: data.link }
    if (kind === 'markdown' && typeof data.markdown === 'string') return { kind: 'markdown', text: data.markdown }
  }
  return { kind: 'other', value: data }
}

/** Whether a text is the address of a web page: nothing else may be followed. */
export function isWebAddress(text: string): boolean {
  try {
    return ['http:', 'https:'].includes(new URL(text).protocol)
  } catch {
    return false
  }
}
