/** A GraphQL operation with the types of what it takes and answers; codegen.js makes them. */
export interface Document<Result, Variables> {
  kind: 'query' | 'mutation' | 'subscription'
  name: string
  text: string
  /** Never set: carries the types. */
  types?: (variables: Variables) => Result
}

/** Any JSON value; what is in it must be looked at before it is used. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
