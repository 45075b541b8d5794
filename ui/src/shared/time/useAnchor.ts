/** The present to ask with about what is planned: moves on when the first of what was answered has become due. */
import { computed, ref, watch, type ComputedRef } from 'vue'
import { useNow } from '@/shared/clock'
import { anchorOf, nextAnchor } from './anchor.model'
import { instantOf } from './range.model'

/**
 * Seconds since 1970, and the same instant as the API takes it.
 *
 * @param firstDue returns the earliest of what is planned, null where nothing is.
 * @param aheadS how far ahead of the present it is.
 */
export function useAnchor(
  firstDue: () => string | null,
  aheadS = 0,
): { seconds: ComputedRef<number>; at: ComputedRef<string> } {
  const now = useNow()
  const present = () => now.value + aheadS * 1000
  const anchorS = ref(anchorOf(present()))
  watch(now, () => {
    anchorS.value = nextAnchor(anchorS.value, firstDue(), present())
  })
  return { seconds: computed(() => anchorS.value), at: computed(() => instantOf(anchorS.value)) }
}
