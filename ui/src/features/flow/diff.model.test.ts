import { expect, it } from 'vitest'
import { diff, differences, folded, type Version } from './diff.model'

const signs = (one: string, other: string) =>
  diff([...one], [...other])
    .map(({ kind, text }) => ({ same: ' ', gone: '-', new: '+' })[kind] + text)
    .join('')

it.each([
  ['abc', 'abc', ' a b c'],
  ['abc', 'axc', ' a-b+x c'],
  ['', 'ab', '+a+b'],
  ['ab', '', '-a-b'],
  ['abcd', 'bcde', '-a b c d+e'],
  ['aa', 'a', ' a-a'],
])('%j to %j', (one, other, expected) => expect(signs(one, other)).toBe(expected))

it('does not compare what is too long line by line', () => {
  const [one, other] = ['a', 'b'].map((letter) => Array.from({ length: 2000 }, (_, index) => `${letter}${index}`))
  expect(diff(one!, other!)).toHaveLength(4000)
})

it('leaves out what is the same and far', () => {
  const lines = diff([...'abcdefghij'], [...'abcdefghiX'])
  expect(
    folded(lines)
      .map((line) => line?.text ?? '…')
      .join(''),
  ).toBe('…ghijX')
})

function version(changes: Partial<Version>): Version {
  const empty = { parameters: [], schedule: null, run_config: null, environment: null, storage: null, tasks: [] }
  return { version: 1, core_version: '1.4.1', ...empty, ...changes }
}

it('tells only the parts that differ', () => {
  const task = { name: 'a', slug: 'a-1', type: 'T', trigger: null, mapped: true, cache_key: null, tags: ['x'] }
  const before = version({ tasks: [{ ...task, max_retries: 0, retry_delay: null }], storage: { path: 'a' } })
  const after = version({ tasks: [{ ...task, max_retries: 3, retry_delay: '00:01:00' }], storage: { path: 'a' } })
  const parts = differences(before, after)
  expect(parts.map(({ name }) => name)).toEqual(['Tasks'])
  expect(parts[0]?.lines.at(-1)?.text).toBe('a · a-1 · T · mapped · 3 retries every 00:01:00 · tags x')
  expect(differences(before, before)).toEqual([])
})
