/** What a Menu is told about one thing to do. */
import type { IconName } from './icons'

export interface MenuItem {
  key: string
  name: string
  icon?: IconName
  hint?: string
  isDangerous?: boolean
  isDisabled?: boolean
  isChecked?: boolean
}
