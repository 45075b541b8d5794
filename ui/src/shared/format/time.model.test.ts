import { describe, expect, it } from 'vitest'
import { absolute, clockTime, duration, instantMs, relative, short, zoneName } from './time.model'

const NOW = Date.UTC(2026, 10, 27, 5, 4, 9, 123)
const MINUTE = 60_000
const HOUR = 60 * MINUTE

describe('relative', () => {
  it.each([
    [NOW - 1000, 'just now'],
    [NOW + 4999, 'just now'],
    [NOW - 59_999, '59 s ago'],
    [NOW - MINUTE, '1 min ago'],
    [NOW + 119 * MINUTE, 'in 1 h'],
    [NOW - 47 * HOUR, '1 d ago'],
    [NOW - 61 * 24 * HOUR, '2 months ago'],
    [NOW - 800 * 24 * HOUR, '2 years ago'],
  ])('%d', (ms, told) => expect(relative(ms, NOW)).toBe(told))
})

describe('duration', () => {
  it.each([
    [-5, '0 ms'],
    [340, '340 ms'],
    [4260, '4.2 s'],
    [59_999, '59 s'],
    [65_000, '1 min 05 s'],
    [2 * HOUR + 4 * MINUTE, '2 h 04 min'],
    [76 * HOUR, '3 d 4 h'],
  ])('%d', (ms, told) => expect(duration(ms)).toBe(told))
})

describe('instants', () => {
  it('are read as the API writes them', () => {
    expect(instantMs('2026-11-27T05:04:09.123000+00:00')).toBe(NOW)
    expect(instantMs(null)).toBeNull()
    expect(instantMs('soon')).toBeNull()
  })
  it('are shown in the zone asked for', () => {
    expect(absolute(NOW, 'UTC')).toBe('2026-11-27 05:04:09')
    expect(absolute(NOW, 'Asia/Kathmandu')).toBe('2026-11-27 10:49:09')
    expect(clockTime(NOW, 'UTC')).toBe('05:04:09.123')
  })
  it('are as short as the day allows', () => {
    expect(short(NOW, NOW, 'UTC')).toBe('05:04')
    expect(short(NOW - 6 * HOUR, NOW, 'UTC')).toBe('26 Nov 23:04')
    expect(short(NOW - 6 * HOUR, NOW, 'Asia/Kathmandu')).toBe('04:49')
    expect(short(Date.UTC(2025, 0, 2), NOW, 'UTC')).toBe('2 Jan 2025')
  })
  it('know their zone by its city', () => {
    expect(zoneName('America/Argentina/Buenos_Aires')).toBe('Buenos Aires')
    expect(zoneName('UTC')).toBe('UTC')
  })
})
