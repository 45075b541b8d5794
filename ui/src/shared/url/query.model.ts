/**
 * What a page keeps in the address: one schema per route says which parameters there are, their types and defaults.
 *
 * In charge of reading and writing; not in charge of the router (`useQuery`). What does not fit is the default, so that
 * a link from another version, or a mistyped one, still shows the page.
 */

export interface Param<Value> {
  /** The value of what stands in the address; null for what does not fit. */
  read: (text: string) => Value | null
  write: (value: Value) => string
  initial: Value
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a record of parameters of any types
export type Params = Record<string, Param<any>>
export type Values<S extends Params> = { [Name in keyof S]: S[Name]['initial'] }
export type Raw = Record<string, string | null | (string | null)[] | undefined>

/** Any text. */
export function text(initial = ''): Param<string> {
  return { read: (given) => given, write: (value) => value, initial }
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[], initial: NoInfer<Word>): Param<Word> {
  return { read: (given) => words.find((word) => word === given) ?? null, write: (value) => value, initial }
}

/** Some of a few words, or any words where none are named. */
export function list(words?: readonly string[]): Param<string[]> {
  return {
    read: (given) => {
      const parts = given.split(',').map(decodeURIComponentSafely).filter(Boolean)
      return words === undefined ? parts : parts.filter((part) => words.includes(part))
    },
    write: (value) => value.map((each) => each.replaceAll('%', '%25').replaceAll(',', '%2C')).join(','),
    initial: [],
  }
}

/** A whole number, from `least` to `most`. */
export function whole(initial: number, least = 0, most = Number.MAX_SAFE_INTEGER): Param<number> {
  return {
    read: (given) => {
      const value = Number(given)
      return /^-?\d+$/.test(given) && value >= least && value <= most ? value : null
    },
    write: String,
    initial,
  }
}

/** Yes or no; only the one that is not the default stands in the address. */
export function flag(initial = false): Param<boolean> {
  return {
    read: (given) => (given === '1' ? true : given === '0' ? false : null),
    write: (v) => (v ? '1' : '0'),
    initial,
  }
}

/** An id, or nothing. */
export function id(): Param<string | null> {
  return {
    read: (given) => (/^[0-9a-f-]{36}$/i.test(given) ? given.toLowerCase() : null),
    write: (value) => value ?? '',
    initial: null,
  }
}

/** The values that an address holds. */
export function readQuery<S extends Params>(schema: S, raw: Raw): Values<S> {
  const values: Record<string, unknown> = {}
  for (const [name, param] of Object.entries(schema)) {
    const given = raw[name]
    const one = Array.isArray(given) ? given[0] : given
    const read = typeof one === 'string' && one !== '' ? param.read(one) : null
    values[name] = read ?? param.initial
  }
  return values as Values<S>
}

/** The parameters of an address: what differs from the defaults, beside those that the schema does not know. */
export function writeQuery<S extends Params>(schema: S, values: Values<S>, beside: Raw = {}): Record<string, string> {
  const written: Record<string, string> = {}
  for (const [name, given] of Object.entries(beside)) {
    if (!(name in schema) && typeof given === 'string') written[name] = given
  }
  for (const [name, param] of Object.entries(schema)) {
    const value = param.write(values[name])
    if (value !== '' && value !== param.write(param.initial)) written[name] = value
  }
  return written
}

function decodeURIComponentSafely(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
