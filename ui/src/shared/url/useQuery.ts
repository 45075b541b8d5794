/** The parameters of the present address as a typed object; setting one changes the address. */
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { readQuery, writeQuery, type Params, type Values } from './query.model'

export interface Query<S extends Params> {
  values: ComputedRef<Values<S>>
  /** Changes some; `push` makes a step that Back undoes, else the present one is replaced. */
  set: (changes: Partial<Values<S>>, how?: 'push' | 'replace') => void
  /** The address with other parameters, for links. */
  to: (changes: Partial<Values<S>>) => { query: Record<string, string> }
}

/** Reads and writes what `schema` names; other parameters of the address are left alone. */
export function useQuery<S extends Params>(schema: S): Query<S> {
  const route = useRoute()
  const router = useRouter()
  const values = computed(() => readQuery(schema, route.query))
  const to = (changes: Partial<Values<S>>) => ({
    query: writeQuery(schema, { ...values.value, ...changes }, route.query),
  })
  return {
    values,
    to,
    set: (changes, how = 'push') => {
      void router[how](to(changes))
    },
  }
}
