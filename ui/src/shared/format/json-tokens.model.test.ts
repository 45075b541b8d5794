import { expect, it } from 'vitest'
import { COLOURED_MAX, tokensOf } from './json-tokens.model'

const VALUE = { 'a "key"': 'te\\xt: "1"', n: [-1.5e9, true, null], deep: { empty: {} } }

it('the pieces are the text, by kind', () => {
  const text = JSON.stringify(VALUE, null, 2)
  const tokens = tokensOf(text)
  expect(tokens.map((token) => token.text).join('')).toBe(text)
  const of = (kind: string) => tokens.filter((token) => token.kind === kind).map((token) => token.text)
  expect(of('key')).toEqual(['"a \\"key\\""', '"n"', '"deep"', '"empty"'])
  expect(of('text')).toEqual([JSON.stringify('te\\xt: "1"')])
  expect(of('number')).toEqual(['-1500000000'])
  expect(of('word')).toEqual(['true', 'null'])
})

it('a huge document is one piece', () => {
  expect(tokensOf('x'.repeat(COLOURED_MAX + 1))).toHaveLength(1)
})
