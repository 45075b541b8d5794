/** The editor of operations: completes and checks by the schema. */
import { autocompletion } from '@codemirror/autocomplete'
import { lineNumbers, type EditorView } from '@codemirror/view'
import { graphql } from 'cm6-graphql'
import type { GraphQLSchema } from 'graphql'
import { common, listener, made } from '@/shared/editor/editor'

/** An editor of GraphQL that completes and checks by a schema. */
export function queryEditor(
  parent: HTMLElement,
  text: string,
  schema: GraphQLSchema,
  changed: (text: string) => void,
  run: () => void,
): EditorView {
  const extensions = [lineNumbers(), autocompletion(), graphql(schema), ...common('Operation', run), listener(changed)]
  return made(parent, text, extensions)
}
