/** What stands in the rail. A page gets its place here when it works. */
import type { IconName } from '@/shared/components/icons'

export interface Place {
  name: string
  icon: IconName
  to: string
  /** The letter that leads there after `g`. */
  letter: string
}

export const NAVIGATION: readonly { group: string | null; places: readonly Place[] }[] = [
  {
    group: null,
    places: [
      { name: 'Dashboard', icon: 'dashboard', to: '/', letter: 'd' },
      { name: 'Runs', icon: 'runs', to: '/runs', letter: 'r' },
      { name: 'Flows', icon: 'flows', to: '/flows', letter: 'f' },
      { name: 'Calendar', icon: 'calendar', to: '/calendar', letter: 'c' },
    ],
  },
  {
    group: 'What they need',
    places: [
      { name: 'Agents', icon: 'agents', to: '/agents', letter: 'a' },
      { name: 'Concurrency limits', icon: 'limits', to: '/limits', letter: 'l' },
      { name: 'Projects', icon: 'projects', to: '/projects', letter: 'p' },
      { name: 'Key-value store', icon: 'keys', to: '/key-values', letter: 'k' },
      { name: 'Secrets', icon: 'secrets', to: '/secrets', letter: 's' },
    ],
  },
  {
    group: 'This installation',
    places: [
      { name: 'API console', icon: 'console', to: '/api', letter: 'i' },
      { name: 'Server', icon: 'server', to: '/server', letter: 'v' },
    ],
  },
]

export const PLACES: readonly Place[] = NAVIGATION.flatMap(({ places }) => places)
