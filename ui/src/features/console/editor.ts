/** The editors of the console: CodeMirror with the colours of the page. Not in charge of what is typed. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { graphql } from 'cm6-graphql'
import type { GraphQLSchema } from 'graphql'

const COLORS = HighlightStyle.define([
  { tag: [tags.keyword, tags.definitionKeyword, tags.atom], color: 'var(--accent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null, tags.special(tags.name)], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--ink-faint)' },
  { tag: [tags.typeName, tags.attributeName], color: 'var(--ink-soft)' },
])

const LOOK = EditorView.theme({
  '&': { height: '100%', backgroundColor: 'transparent', color: 'var(--ink)', fontSize: 'var(--text-m)' },
  '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--accent-soft)',
  },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--ink-faint)', border: '0' },
  '.cm-matchingBracket': { backgroundColor: 'var(--sunken)', outline: '1px solid var(--line-strong)' },
  '.cm-tooltip': { backgroundColor: 'var(--raised)', color: 'var(--ink)', border: '1px solid var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-completionDetail': { color: 'var(--ink-soft)' },
})

function common(label: string, run: () => void): Extension[] {
  return [
    // Before the default of the editor, which would break the line.
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => (run(), true) }])),
    history(),
    drawSelection(),
    bracketMatching(),
    closeBrackets(),
    indentOnInput(),
    syntaxHighlighting(COLORS),
    LOOK,
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label }),
    // Escape and then Tab leaves the editor, so that the keyboard is not caught in it.
    keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
  ]
}

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

/** An editor of JSON. */
export function variablesEditor(
  parent: HTMLElement,
  text: string,
  changed: (text: string) => void,
  run: () => void,
): EditorView {
  const extensions = [json(), ...common('Variables, as JSON', run), listener(changed)]
  return made(parent, text, extensions)
}

/** A view of JSON that can be read, searched and copied. */
export function answerView(parent: HTMLElement): EditorView {
  const extensions = [
    json(),
    syntaxHighlighting(COLORS),
    LOOK,
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({ 'aria-label': 'Answer' }),
    keymap.of(defaultKeymap),
  ]
  return made(parent, '', extensions)
}

function made(parent: HTMLElement, text: string, extensions: Extension[]): EditorView {
  const view = new EditorView({ parent, state: EditorState.create({ doc: text, extensions }) })
  // What does not fit is scrolled with the keyboard too.
  view.scrollDOM.tabIndex = 0
  return view
}

/** Replaces all that stands in an editor. */
export function setText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
}

function listener(changed: (text: string) => void): Extension {
  return EditorView.updateListener.of((update) => {
    if (update.docChanged) changed(update.state.doc.toString())
  })
}
