import { buildSchema } from 'graphql'
import { expect, test } from 'vitest'
import { find, pageOf } from './docs.model'

const schema = buildSchema(`
  "A run."
  type flow_run { id: ID! "What it is called." name: String }
  enum order { asc desc }
  input run_input { id: ID! }
  type Query { "All runs." flow_run(limit: Int, order: order): [flow_run!]! flow_run_by_pk(id: ID!): flow_run }
  type Mutation { cancel_flow_run(input: run_input!): flow_run }
`)

test('a type is told with its members, and where they lead', () => {
  const page = pageOf(schema, 'Query')!
  expect(page.members[0]).toEqual({
    name: 'flow_run',
    type: '[flow_run!]!',
    target: 'flow_run',
    text: 'All runs.',
    args: [
      { name: 'limit', type: 'Int', target: 'Int', text: null },
      { name: 'order', type: 'order', target: 'order', text: null },
    ],
  })
  expect(pageOf(schema, 'flow_run')).toMatchObject({ kind: 'object', text: 'A run.' })
  expect(pageOf(schema, 'order')!.members.map(({ name }) => name)).toEqual(['asc', 'desc'])
  expect(pageOf(schema, 'run_input')!.members[0]).toMatchObject({ name: 'id', type: 'ID!', args: [] })
  expect(pageOf(schema, 'ID')).toMatchObject({ kind: 'scalar', members: [] })
  expect(pageOf(schema, 'nothing')).toBeNull()
})

test('fields and types are found by a part of their names, the shortest first', () => {
  expect(find(schema, 'FLOW_RUN', 3).map(({ path }) => path)).toEqual([
    'Query.flow_run',
    'flow_run',
    'Query.flow_run_by_pk',
  ])
  expect(find(schema, 'cancel', 9)).toEqual([{ path: 'Mutation.cancel_flow_run', target: 'Mutation' }])
  expect(find(schema, ' ', 9)).toEqual([])
})
