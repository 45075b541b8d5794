/** Listens for the keys that do something anywhere. */
import { onMounted, onScopeDispose } from 'vue'
import { useRouter } from 'vue-router'
import { choose, theme } from '@/shared/theme'
import { PLACES } from './navigation'
import { onKey, type Act, type Keys } from './shortcuts.model'

/** Carries out shortcuts while the component is there; the palette and the list are the component's own. */
export function useShortcuts(open: (what: 'palette' | 'help') => void): void {
  const router = useRouter()
  let keys: Keys = { goAtMs: null }

  function carryOut(act: Act): boolean {
    if (act === null) return false
    if (act.kind === 'go') {
      const place = PLACES.find(({ letter }) => letter === act.letter)
      if (place !== undefined) void router.push(place.to)
      return place !== undefined
    }
    if (act.kind === 'find') {
      const field = document.querySelector<HTMLElement>('main input[type=search]')
      field?.focus()
      return field !== null
    }
    if (act.kind === 'theme') choose(theme.value === 'dark' ? 'light' : 'dark')
    else open(act.kind)
    return true
  }

  function listen(event: KeyboardEvent): void {
    const target = event.target as HTMLElement
    const isTyping = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)
    // A dialog that is open has the keys to itself.
    if (document.querySelector('dialog[open]') !== null) return
    const hasModifier = event.ctrlKey || event.metaKey || event.altKey
    const next = onKey(keys, { key: event.key, hasModifier, isTyping }, performance.now())
    keys = next.keys
    if (carryOut(next.act)) event.preventDefault()
  }

  onMounted(() => window.addEventListener('keydown', listen))
  onScopeDispose(() => window.removeEventListener('keydown', listen))
}
