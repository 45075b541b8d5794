import { expect, it } from 'vitest'
import { GIVEN, readViews, viewOf, withView } from './views.model'

it('finds the view of an address, whatever the order and the page', () => {
  expect(viewOf(GIVEN, { period: '24h', states: 'Failed', page: '3' })?.name).toBe('Failed today')
  expect(viewOf(GIVEN, {})?.name).toBe('All')
  expect(viewOf(GIVEN, { q: 'x' })).toBeNull()
})

it('reads what was kept, and nothing else', () => {
  const view = { name: 'mine', query: { q: 'x' } }
  expect(readViews(JSON.stringify([view, 5, { name: 'x' }, { name: 'y', query: { q: 1 } }]))).toEqual([view])
  for (const stored of [null, '{', '{}', 'null']) expect(readViews(stored)).toEqual([])
})

it('replaces a view of the same name', () => {
  const [first] = withView([{ name: 'a', query: { q: '1' } }], { name: 'a', query: { q: '2' } })
  expect(first?.query).toEqual({ q: '2' })
})
