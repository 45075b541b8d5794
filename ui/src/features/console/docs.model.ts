/** The schema as pages to read: what a type holds, and what leads to it. */
import {
  getNamedType,
  isEnumType,
  isInputObjectType,
  isObjectType,
  type GraphQLArgument,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
} from 'graphql'

export interface Member {
  name: string
  /** As it is written: `[flow_run!]!`. */
  type: string
  /** The type to read next. */
  target: string
  text: string | null
  args: { name: string; type: string; target: string; text: string | null }[]
}

export interface TypePage {
  name: string
  kind: string
  text: string | null
  members: Member[]
}

/** The page of a type; null for one that is not there. */
export function pageOf(schema: GraphQLSchema, name: string): TypePage | null {
  const type = schema.getType(name)
  if (type === undefined) return null
  return { name, kind: kindOf(type), text: type.description ?? null, members: membersOf(type) }
}

/** The fields and types whose names contain what was typed, fields of the roots first. */
export function find(schema: GraphQLSchema, typed: string, most: number): { path: string; target: string }[] {
  const wanted = typed.trim().toLowerCase()
  if (wanted === '') return []
  const roots = [schema.getQueryType(), schema.getMutationType()].flatMap((root) =>
    root
      ? Object.values(root.getFields()).map((field) => ({
          path: `${root.name}.${field.name}`,
          target: root.name,
          name: field.name,
        }))
      : [],
  )
  const types = Object.keys(schema.getTypeMap())
    .filter((name) => !name.startsWith('__'))
    .map((name) => ({ path: name, target: name, name }))
  return [...roots, ...types]
    .filter(({ name }) => name.toLowerCase().includes(wanted))
    .toSorted((one, other) => one.name.length - other.name.length)
    .slice(0, most)
    .map(({ path, target }) => ({ path, target }))
}

function kindOf(type: GraphQLNamedType): string {
  if (isObjectType(type)) return 'object'
  if (isInputObjectType(type)) return 'input'
  return isEnumType(type) ? 'enum' : 'scalar'
}

function membersOf(type: GraphQLNamedType): Member[] {
  if (isEnumType(type)) {
    return type
      .getValues()
      .map(({ name, description }) => ({ name, type: '', target: '', text: description ?? null, args: [] }))
  }
  if (!isObjectType(type) && !isInputObjectType(type)) return []
  return Object.values(type.getFields()).map((field) => ({
    name: field.name,
    type: String(field.type),
    target: nameOf(field.type),
    text: field.description ?? null,
    args: 'args' in field ? field.args.map(argumentOf) : [],
  }))
}

function argumentOf({ name, type, description }: GraphQLArgument): Member['args'][number] {
  return { name, type: String(type), target: nameOf(type), text: description ?? null }
}

function nameOf(type: GraphQLType): string {
  return getNamedType(type).name
}
