/** Editors of JSON: CodeMirror with the colours of the page. Not in charge of what is typed. */
import { closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'

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

/** What all editors have. */
export function common(label: string, run: () => void = () => {}): Extension[] {
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

/** An editor of JSON; `run` is what Ctrl-Enter does. */
export function jsonEditor(
  parent: HTMLElement,
  text: string,
  label: string,
  changed: (text: string) => void,
  run?: () => void,
): EditorView {
  return made(parent, text, [json(), ...common(label, run), listener(changed)])
}

/** A view of JSON that can be read, searched and copied. */
export function jsonView(parent: HTMLElement, label: string): EditorView {
  const extensions = [
    json(),
    syntaxHighlighting(COLORS),
    LOOK,
    EditorState.readOnly.of(true),
    EditorView.contentAttributes.of({ 'aria-label': label }),
    keymap.of(defaultKeymap),
  ]
  return made(parent, '', extensions)
}

/** Puts an editor on the page. */
export function made(parent: HTMLElement, text: string, extensions: Extension[]): EditorView {
  const view = new EditorView({ parent, state: EditorState.create({ doc: text, extensions }) })
  // What does not fit is scrolled with the keyboard too.
  view.scrollDOM.tabIndex = 0
  return view
}

/** Replaces all that stands in an editor. */
export function setText(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } })
}

/** Tells what stands in an editor when that changes. */
export function listener(changed: (text: string) => void): Extension {
  return EditorView.updateListener.of((update) => {
    if (update.docChanged) changed(update.state.doc.toString())
  })
}
