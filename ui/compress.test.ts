// @vitest-environment node
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compress } from './compress.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'eparch-compress-'))
  mkdirSync(join(folder, 'assets'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('text of some length gets two smaller forms that unpack to the same', () => {
  const text = 'const state = "Running"\n'.repeat(200)
  writeFileSync(join(folder, 'assets/app.js'), text)
  compress(folder)
  const packed = (suffix: string) => readFileSync(join(folder, `assets/app.js${suffix}`))
  expect(brotliDecompressSync(packed('.br')).toString()).toBe(text)
  expect(gunzipSync(packed('.gz')).toString()).toBe(text)
  expect(packed('.br').length).toBeLessThan(text.length / 10)
})

test('short files, and those that are packed already, stay alone', () => {
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'assets/font.woff2'), 'x'.repeat(5000))
  compress(folder)
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['assets', 'assets/font.woff2', 'index.html'])
})
