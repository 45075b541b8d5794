import { expect, it } from 'vitest'
import { lastedMs } from './history.model'

it('tells how long each state lasted, the last one until now unless it is the end', () => {
  const at = (name: string, second: number) => ({ state: name, timestamp: `2026-01-01T00:00:0${second}Z` })
  const now = Date.parse('2026-01-01T00:00:09Z')
  const running = [at('Retrying', 5), at('Running', 2), at('Pending', 1)]
  expect(running.map((_, place) => lastedMs(running, place, now))).toEqual([4000, 3000, 1000])
  expect(lastedMs([at('Success', 5)], 0, now)).toBeNull()
})
