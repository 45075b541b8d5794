// Makes typed documents: each `src/**/name.graphql` becomes `src/generated/name.ts` with one constant per operation.
//
// In charge of checking documents against the server's own schema and of the types of their variables and results;
// not in charge of sending them (shared/graphql). A document that does not fit the schema ends the build.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  buildSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  parse,
  print,
  typeFromAST,
  validate,
} from 'graphql'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCE = join(HERE, 'src')
const GENERATED = join(SOURCE, 'generated')

const SCALARS = {
  Boolean: 'boolean',
  Int: 'number',
  Float: 'number',
  String: 'string',
  ID: 'string',
  uuid: 'string',
  UUID: 'string',
  timestamptz: 'string',
  DateTime: 'string',
  interval: 'string',
  log_level: 'string',
  _uuid: 'string',
}

/** Writes the module of every document; throws an error that names each document that does not fit. */
export function generate() {
  const schema = buildSchema(readFileSync(join(GENERATED, 'schema.graphql'), 'utf8'))
  mkdirSync(GENERATED, { recursive: true })
  const paths = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.graphql') && !path.startsWith('generated'))
    .sort()
  const names = new Set()
  for (const path of paths) {
    const name = basename(path, '.graphql')
    if (names.has(name)) throw new Error(`There are two files named ${name}.graphql; give one another name.`)
    names.add(name)
    const made = moduleOf(readFileSync(join(SOURCE, path), 'utf8'), schema, path)
    writeIfNew(join(GENERATED, `${name}.ts`), made)
  }
}

/** The TypeScript module for the text of one .graphql file. */
export function moduleOf(text, schema, path) {
  const document = parse(text)
  const errors = validate(schema, document)
  if (errors.length > 0) throw new Error(errors.map((error) => `${path}: ${error.message}`).join('\n'))
  const fragments = new Map(
    document.definitions
      .filter((each) => each.kind === Kind.FRAGMENT_DEFINITION)
      .map((each) => [each.name.value, each]),
  )
  const inputs = new Map()
  const parts = []
  for (const [name, fragment] of fragments) {
    const type = schema.getType(fragment.typeCondition.name.value)
    parts.push(`export type ${pascal(name)} = ${selectionType([fragment.selectionSet], type, fragments)}\n`)
  }
  for (const operation of document.definitions.filter((each) => each.kind === Kind.OPERATION_DEFINITION)) {
    const name = pascal(operation.name.value)
    const root = schema.getRootType(operation.operation)
    const used = [...fragmentsOf(operation.selectionSet, fragments)].map((each) => fragments.get(each))
    const sent = [operation, ...used].map((each) => compact(print(each))).join(' ')
    parts.push(
      `export type ${name}Result = ${selectionType([operation.selectionSet], root, fragments)}\n`,
      `export type ${name}Variables = ${variablesType(operation, schema, inputs)}\n`,
      `export const ${name}: Document<${name}Result, ${name}Variables> = {\n  kind: '${operation.operation}',\n` +
        `  name: '${operation.name.value}',\n  text: ${JSON.stringify(sent)},\n}\n`,
    )
  }
  return [
    `// Made by codegen.js from ${path}; never edited.\n`,
    "import type { Document, Json } from '@/shared/graphql/document'\n",
    ...parts,
    ...inputs.values(),
    'export type { Json }\n',
  ].join('\n')
}

function selectionType(selectionSets, type, fragments, indent = '') {
  const fields = new Map()
  for (const set of selectionSets) collect(set, type, fragments, fields)
  const inner = `${indent}  `
  const lines = [...fields].map(([key, nodes]) => {
    const field = nodes[0].name.value
    if (field === '__typename') return `${inner}${key}: '${type.name}'`
    const shape = type.getFields()[field].type
    return `${inner}${key}: ${outputType(shape, nodes, fragments, inner)}`
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}

function collect(set, type, fragments, fields) {
  for (const node of set.selections) {
    if (node.kind === Kind.FIELD) {
      const key = (node.alias ?? node.name).value
      fields.set(key, [...(fields.get(key) ?? []), node])
    } else if (node.kind === Kind.INLINE_FRAGMENT) {
      collect(node.selectionSet, type, fragments, fields)
    } else {
      collect(fragments.get(node.name.value).selectionSet, type, fragments, fields)
    }
  }
}

function outputType(type, nodes, fragments, indent) {
  if (isNonNullType(type)) return bareOutput(type.ofType, nodes, fragments, indent)
  return `${bareOutput(type, nodes, fragments, indent)} | null`
}

function bareOutput(type, nodes, fragments, indent) {
  if (isListType(type)) return `(${outputType(type.ofType, nodes, fragments, indent)})[]`
  if (isObjectType(type)) {
    return selectionType(
      nodes.map((node) => node.selectionSet),
      type,
      fragments,
      indent,
    )
  }
  return leafType(type)
}

function leafType(type) {
  if (isScalarType(type)) return SCALARS[type.name] ?? 'Json'
  if (isEnumType(type)) {
    return type
      .getValues()
      .map((value) => `'${value.name}'`)
      .join(' | ')
  }
  throw new Error(`No TypeScript type for ${type.name}.`)
}

function variablesType(operation, schema, inputs) {
  const lines = (operation.variableDefinitions ?? []).map((node) => {
    const type = typeFromAST(schema, node.type)
    const isOptional = !isNonNullType(type) || node.defaultValue !== undefined
    return `  ${node.variable.name.value}${isOptional ? '?' : ''}: ${inputType(type, inputs)}`
  })
  return lines.length === 0 ? 'Record<string, never>' : `{\n${lines.join('\n')}\n}`
}

function inputType(type, inputs) {
  if (!isNonNullType(type)) return `${bareInput(type, inputs)} | null`
  return bareInput(type.ofType, inputs)
}

function bareInput(type, inputs) {
  // GraphQL takes one member where a list is asked for.
  if (isListType(type)) return `(${inputType(type.ofType, inputs)})[] | ${inputType(type.ofType, inputs)}`
  const named = getNamedType(type)
  if (!isInputObjectType(named)) return leafType(named)
  if (!inputs.has(named.name)) {
    inputs.set(named.name, '')
    const lines = Object.values(named.getFields()).map((field) => {
      const isOptional = !isNonNullType(field.type) || field.defaultValue !== undefined
      return `  ${field.name}${isOptional ? '?' : ''}: ${inputType(field.type, inputs)}`
    })
    inputs.set(named.name, `export type ${pascal(named.name)} = {\n${lines.join('\n')}\n}\n`)
  }
  return pascal(named.name)
}

function fragmentsOf(set, fragments, found = new Set()) {
  for (const node of set.selections) {
    if (node.kind === Kind.FRAGMENT_SPREAD && !found.has(node.name.value)) {
      found.add(node.name.value)
      fragmentsOf(fragments.get(node.name.value).selectionSet, fragments, found)
    } else if (node.selectionSet) {
      fragmentsOf(node.selectionSet, fragments, found)
    }
  }
  return found
}

/** A printed document on one line; documents of the UI hold no block strings. */
function compact(text) {
  return text.replace(/\s+/g, ' ').replace(/ ?([{}():,!=|]) ?/g, '$1')
}

function pascal(name) {
  return name.replace(/(^|_)([a-z])/g, (_, __, letter) => letter.toUpperCase())
}

function writeIfNew(path, text) {
  let old = null
  try {
    old = readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  if (old !== text) writeFileSync(path, text)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) generate()
