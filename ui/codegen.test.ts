import { buildSchema } from 'graphql'
import { describe, expect, it } from 'vitest'
import { moduleOf } from './codegen.js'

const SCHEMA = buildSchema(`
  scalar uuid
  scalar jsonb
  enum direction { asc desc }
  input filter { id: uuid, any: [filter!], way: direction! }
  type run { id: uuid!, name: String, labels: jsonb!, tasks: [run!]! }
  type Query { run(where: filter, limit: Int = 1): [run!]! }
`)

describe('moduleOf', () => {
  it('writes the types of variables and of the answer, and the document on one line', () => {
    const text = `query some_runs($where: filter!, $limit: Int = 5) {
      run(where: $where, limit: $limit) { id name: name labels tasks { ...part } }
    }
    fragment part on run { kind: name }`
    const made = moduleOf(text, SCHEMA, 'x.graphql')
    expect(made).toContain('export const SomeRuns: Document<SomeRunsResult, SomeRunsVariables>')
    expect(made).toContain('    name: string | null\n    labels: Json\n')
    expect(made).toContain('    tasks: ({\n      kind: string | null\n    })[]')
    expect(made).toContain('export type SomeRunsVariables = {\n  where: Filter\n  limit?: number | null\n}')
    expect(made).toContain("way: 'asc' | 'desc'")
    expect(made).toContain('fragment part on run{kind:name}')
  })

  it.each([
    ['query q { run { id nonsense } }', 'x.graphql: Cannot query field "nonsense" on type "run".'],
    ['query q { run { id tasks } }', 'must have a selection of subfields'],
    ['query q($a: String) { run(limit: $a) { id } }', 'Variable "$a" of type "String"'],
  ])('refuses %s', (text, told) => {
    expect(() => moduleOf(text, SCHEMA, 'x.graphql')).toThrow(told)
  })
})
