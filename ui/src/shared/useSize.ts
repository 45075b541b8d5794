/** The size of an element, kept current. */
import { onScopeDispose, shallowRef, watch, type Ref, type ShallowRef } from 'vue'

/** The inner width and height of what `element` refers to, in pixels; 0 before it is there. */
export function useSize(element: Readonly<Ref<HTMLElement | null>>): {
  width: ShallowRef<number>
  height: ShallowRef<number>
} {
  const width = shallowRef(0)
  const height = shallowRef(0)
  const observer = new ResizeObserver(([entry]) => {
    if (entry === undefined) return
    width.value = entry.contentRect.width
    height.value = entry.contentRect.height
  })
  watch(
    element,
    (now) => {
      observer.disconnect()
      if (now !== null) observer.observe(now)
    },
    { immediate: true, flush: 'post' },
  )
  onScopeDispose(() => observer.disconnect())
  return { width, height }
}
