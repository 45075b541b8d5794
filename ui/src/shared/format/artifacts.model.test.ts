import { expect, it } from 'vitest'
import { artifactOf } from './artifacts.model'
import type { Json } from '@/shared/graphql/document'

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

it('shows rows as a table with every column that one of them has', () => {
  const table: Json = [
    { region: 'north', sum: 12 },
    { region: '<b>south</b>', note: ['x'] },
  ]
  expect(artifactOf('table', { table })).toEqual({
    kind: 'table',
    columns: ['region', 'sum', 'note'],
    rows: [
      ['north', '12', ''],
      ['<b>south</b>', '', '["x"]'],
    ],
    more: 0,
  })
  expect(artifactOf('table', { table: Array.from({ length: 205 }, () => ({ a: 1 })) })).toMatchObject({ more: 5 })
  expect(artifactOf('table', { table: [1] }).kind).toBe('other')
})

it('shows how far something is', () => {
  expect(artifactOf('progress', { progress: 12.5, description: 'files' })).toEqual({
    kind: 'progress',
    percent: 12.5,
    text: 'files',
  })
  expect(artifactOf('progress', { progress: 101 }).kind).toBe('other')
})
