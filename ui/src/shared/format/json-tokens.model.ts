/** Pieces of JSON text by kind, for colours. */

export interface Token {
  kind: 'key' | 'text' | 'number' | 'word' | 'sign'
  text: string
}

/** Beyond this a document is shown in one colour: more pieces than that make a page slow. */
export const COLOURED_MAX = 20_000

const PATTERN = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)|([^"\d\-tfn]+|.)/gs

/** The pieces, which together are the text. */
export function tokensOf(json: string): Token[] {
  if (json.length > COLOURED_MAX) return [{ kind: 'sign', text: json }]
  const tokens: Token[] = []
  for (const [whole, text, colon, number, word] of json.matchAll(PATTERN)) {
    if (text !== undefined && colon !== undefined) tokens.push({ kind: 'key', text }, { kind: 'sign', text: colon })
    else if (text !== undefined) tokens.push({ kind: 'text', text })
    else if (number !== undefined) tokens.push({ kind: 'number', text: whole })
    else if (word !== undefined) tokens.push({ kind: 'word', text: whole })
    else tokens.push({ kind: 'sign', text: whole })
  }
  return tokens
}
