import { expect, it } from 'vitest'
import { firstLine } from './text.model'

it.each([
  ['one', 'one'],
  ['\n  \n  Error: x \nTraceback', 'Error: x'],
  ['', ''],
  [null, ''],
])('firstLine(%j) is %j', (text, line) => expect(firstLine(text)).toBe(line))
