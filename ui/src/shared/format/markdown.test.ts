// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { cleanHtml } from './markdown'

describe('cleanHtml', () => {
  it('shows what markdown is for', () => {
    const html = cleanHtml('# Rows\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n[doc](https://example.org)')
    expect(html).toContain('<h2>Rows</h2>')
    expect(html).toContain('<td><strong>2</strong></td>')
    expect(html).toContain('href="https://example.org"')
    expect(html).toContain('rel="noopener noreferrer nofollow"')
  })

  it.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](data:text/html,<script>alert(1)</script>)',
    '![x](https://example.org/spy.png)',
    '<iframe src="https://example.org"></iframe>',
    '<svg><a xlink:href="javascript:alert(1)">x</a></svg>',
    '<form action="https://example.org"><input></form>',
    '<a href="vbscript:x" onclick="alert(1)">x</a>',
  ])('makes harmless: %s', (text) => {
    const box = document.createElement('div')
    box.innerHTML = cleanHtml(text)
    for (const element of box.querySelectorAll('*')) {
      expect(['P', 'A']).toContain(element.tagName)
      expect(element.getAttributeNames().filter((name) => !['href', 'rel', 'target'].includes(name))).toEqual([])
      const href = element.getAttribute('href')
      if (href !== null) expect(href).toMatch(/^https?:/)
    }
  })
})
