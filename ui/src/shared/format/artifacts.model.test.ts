import { expect, it } from 'vitest'
import { artifactOf } from './artifacts.model'

it('reads links and markdown', () => {
  expect(artifactOf('link', { link: 'https://example.org/x' })).toEqual({ kind: 'link', href: 'https://example.org/x' })
  expect(artifactOf('markdown', { markdown: '# x' })).toEqual({ kind: 'markdown', text: '# x' })
})

it.each([
  ['link', { link: 'javascript:alert(1)' }],
  ['link', { link: ' JAVASCRIPT:alert(1)' }],
  ['link', { link: 'data:text/html,x' }],
  ['link', { link: '//example.org' }],
  ['link', { link: 5 }],
  ['markdown', { text: 'x' }],
  ['table', [1]],
  ['link', null],
])('shows as stored: %s %j', (kind, data) => {
  expect(artifactOf(kind, data)).toEqual({ kind: 'other', value: data })
})
