/** Where in a log one is, in lines, and moving about in it; follows its end until somebody scrolls away from there. */
import { computed, nextTick, ref, type ComputedRef, type Ref } from 'vue'
import { scaleOf, type Layout } from './layout.model'

export const ROW_PX = 20
/** For so long after a move of our own the browser tells of it as if somebody had scrolled. */
const OWN_MOVE_MS = 150

export interface LogScroll {
  /** How tall everything is in the browser. */
  shownPx: ComputedRef<number>
  firstIndex: ComputedRef<number>
  lastIndex: ComputedRef<number>
  /** Where a line stands, from the top of everything, in pixels of the browser. */
  yOf: (index: number) => number
  onScroll: () => void
  toStart: () => void
  toEnd: () => void
  toLine: (index: number) => void
  /** Carries out a change to lines from `index` on (Infinity: to their heights) so that what is seen stays in place. */
  keeping: (index: number, change: () => void) => void
}

/** Ties an element that scrolls to a layout; `stamp` changes with the layout, `isFollowing` is kept true at the end. */
export function useLogScroll(
  scroller: Readonly<Ref<HTMLElement | null>>,
  height: Readonly<Ref<number>>,
  layout: Layout,
  stamp: Readonly<Ref<number>>,
  isFollowing: Ref<boolean>,
  hasEnded: () => boolean,
): LogScroll {
  const scrollTop = ref(0)
  let movedAt = -Infinity
  const scale = computed(() => (void stamp.value, scaleOf(layout.rows * ROW_PX, height.value)))
  const topRow = computed(() => (void stamp.value, (scrollTop.value * scale.value.ratio) / ROW_PX))
  const firstIndex = computed(() => (void stamp.value, layout.indexAt(topRow.value)))
  const lastIndex = computed(() => (void stamp.value, layout.indexAt(topRow.value + height.value / ROW_PX + 1)))

  function onScroll(): void {
    const element = scroller.value
    if (element === null) return
    scrollTop.value = element.scrollTop
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - ROW_PX
    // Only a person scrolls away from the end.
    if (!isAtEnd && performance.now() > movedAt + OWN_MOVE_MS) isFollowing.value = false
    else if (isAtEnd && !hasEnded()) isFollowing.value = true
  }

  function toPx(px: number): void {
    movedAt = performance.now()
    if (scroller.value !== null) scroller.value.scrollTop = px
    scrollTop.value = scroller.value?.scrollTop ?? 0
  }

  const toEnd = () => toPx(scale.value.shownPx)
  const toLine = (index: number) => toPx((layout.rowOf(index) * ROW_PX) / scale.value.ratio)

  async function keeping(index: number, change: () => void): Promise<void> {
    const held = firstIndex.value
    const before = layout.rowOf(held)
    change()
    await nextTick()
    if (isFollowing.value) return toEnd()
    if (index === Infinity) return toLine(held)
    const rows = index < held ? layout.rowOf(held) - before : 0
    if (rows !== 0) toPx(scrollTop.value + (rows * ROW_PX) / scale.value.ratio)
  }

  return {
    shownPx: computed(() => scale.value.shownPx),
    firstIndex,
    lastIndex,
    yOf: (index) => (layout.rowOf(index) - topRow.value) * ROW_PX + scrollTop.value,
    onScroll,
    toStart: () => toPx(0),
    toEnd,
    toLine,
    keeping: (index, change) => void keeping(index, change),
  }
}
