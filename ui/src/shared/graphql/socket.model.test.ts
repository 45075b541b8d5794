import { describe, expect, it } from 'vitest'
import { connectionOf, delayMs } from './socket.model'

describe('delayMs', () => {
  it('doubles up to a bound, and never falls below half of it', () => {
    expect(delayMs(0, 0)).toBe(250)
    expect(delayMs(0, 0.999)).toBe(500)
    expect(delayMs(1, 0)).toBe(500)
    expect(delayMs(4, 0)).toBe(4000)
    expect(delayMs(50, 0.999)).toBe(14993)
  })
})

describe('connectionOf', () => {
  it('is live while the socket is open, whatever was before', () => {
    expect(connectionOf(true, 7, false)).toBe('live')
  })
  it('polls where HTTP works and the socket does not', () => {
    expect(connectionOf(false, 2, true)).toBe('polling')
    expect(connectionOf(false, 1, true)).toBe('lost')
    expect(connectionOf(false, 2, false)).toBe('lost')
  })
  it('says nothing of the first attempt', () => {
    expect(connectionOf(false, 0, true)).toBe('connecting')
  })
})
