import { expect, it } from 'vitest'
import { sortsHidden } from './table'

it('finds the width from which heads to sort by are left out', () => {
  const column = (key: string, hide?: 's' | 'm' | 'l', isSortable = true) => ({ key, name: key, hide, isSortable })
  expect(sortsHidden([column('a'), column('b', 's'), column('c', 'l')])).toBe('l')
  expect(sortsHidden([column('a'), column('b', 's'), column('c', 'm', false)])).toBe('s')
  expect(sortsHidden([column('a'), column('b', 'm', false)])).toBeNull()
})
