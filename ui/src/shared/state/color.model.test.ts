import { describe, expect, it } from 'vitest'
import { contrast, fitted } from './color.model'
import { colorOf, STATES } from './states.model'

describe('fitted', () => {
  it.each(STATES)('lets %s stand out from the surface of both themes', (state) => {
    expect(contrast(fitted(colorOf(state), 'light'), '#fffefc')).toBeGreaterThanOrEqual(3)
    expect(contrast(fitted(colorOf(state), 'dark'), '#1a171d')).toBeGreaterThanOrEqual(3)
  })
  it('leaves a colour that fits nearly as it is', () => {
    expect(contrast(fitted('#3d67ff', 'light'), '#3d67ff')).toBeLessThan(1.4)
  })
  it('keeps grey grey', () => {
    expect(fitted('#808080', 'light')).toBe('#808080')
  })
})

it('contrast is that of WCAG', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 1)
})
