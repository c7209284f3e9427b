/**
 * `npm run client-types`: generates src/client/routes.ts from the schemas of the service, so that the client is typed
 * without depending on zod or on the sources of the service. A test checks that the file is up to date.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { compile, type JSONSchema } from 'json-schema-to-typescript'
import { z } from 'zod'
import { openApi } from '../../src/http/openapi.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import { type Level, levels } from '../../src/kernel/limits/limit-row.ts'
import { limits } from '../../src/kernel/limits/table.ts'
import { eventDataSchemas } from '../../src/tree/event-views.ts'

const Json = z.record(z.string(), z.unknown())
type Json = z.output<typeof Json>

const Content = z.record(z.string(), z.object({ schema: Json }))
type Content = z.output<typeof Content>

const Parameter = z.object({ name: z.string(), in: z.string(), schema: Json })
type Parameter = z.output<typeof Parameter>

const Reference = z.object({ $ref: z.string() })

const Operation = z.object({
  parameters: z.array(z.union([Parameter, Reference])).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.optional() })),
})
type Operation = z.output<typeof Operation>

const methods = ['get', 'put', 'post', 'delete'] as const
const PathItem = z.object({
  get: Operation.optional(),
  put: Operation.optional(),
  post: Operation.optional(),
  delete: Operation.optional(),
})
type PathItem = z.output<typeof PathItem>

/** The parts of the OpenAPI document that the types are generated from. */
const ApiDocument = z.object({
  paths: z.record(z.string(), PathItem),
  components: z.object({ schemas: z.record(z.string(), Json), parameters: z.record(z.string(), Parameter) }),
})

/** Query parameters for the format of a reply. The client chooses the format itself. */
const formatParameters = ['format', 'pretty', 'fields']
/** Query parameters of streams. They have no meaning for a read. */
const streamParameters = ['types', 'after', 'gone', 'snapshot', 'durable']

const nameOf = (reference: unknown): string => String(reference).split('/').at(-1)!

/** Names of schemas for lists, in which the client has one generic type. */
const listName = /^([A-Z]\w+)List$/

/** The TypeScript type of a reply or body: its name, or a list of a named type, or a plain type. */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return 'undefined'
  if ('$ref' in schema) return nameOf(schema.$ref).replace(listName, 'List<$1>')
  if (schema.type === 'string') return 'string'
  if (schema.type === 'object' && schema.properties === undefined) return 'Record<string, unknown>'
  throw new Error(`this shape has no name: ${JSON.stringify(schema)}`)
}

const jsonOf = (content: Content | undefined): Json | undefined => Object.values(content ?? {})[0]?.schema

function queryOf(parameters: readonly Parameter[], isOfTree: boolean): string {
  const hidden = isOfTree ? [...formatParameters, ...streamParameters] : formatParameters
  const shown = parameters.filter((parameter) => parameter.in === 'query' && !hidden.includes(parameter.name))
  const types = shown.map(({ name, schema }) => {
    const type = name === 'dry-run' ? 'true' : schema.type === 'integer' ? 'number' : 'string'
    return `${/^\w+$/.test(name) ? name : `'${name}'`}?: ${type}`
  })
  return types.length === 0 ? 'Record<string, never>' : `{ ${types.join('; ')} }`
}

function verbOf({ path, method, operation, parameters }: VerbParts): string {
  const { 200: ok, 201: made } = operation.responses
  const reply = method === 'delete' ? 'undefined' : typeOf(jsonOf((ok ?? made)?.content))
  const body = operation.requestBody && `body: ${typeOf(jsonOf(operation.requestBody.content))}; `
  return `    ${method}: { ${body ?? ''}query: ${queryOf(parameters, path.startsWith('/sys'))}; reply: ${reply} }`
}

const levelOf = (path: string): Level =>
  path.startsWith('/sys/part/')
    ? 'partition'
    : path.includes('/thread/')
      ? 'thread'
      : path.startsWith('/sys/proc/')
        ? 'process'
        : 'system'

interface VerbParts {
  readonly path: string
  readonly method: string
  readonly operation: Operation
  readonly parameters: readonly Parameter[]
}

function routeOf([path, item]: [string, PathItem], shared: Readonly<Record<string, Parameter>>): string {
  const verbs = methods.flatMap((method) => {
    const operation = item[method]
    if (operation === undefined) return []
    const parameters = operation.parameters.map((one) => ('$ref' in one ? shared[nameOf(one.$ref)]! : one))
    return [verbOf({ path, method, operation, parameters })]
  })
  return `  '${path.replace('{limit}', `{${levelOf(path)}Limit}`)}': {\n${verbs.join('\n')}\n  }`
}

/** `{limit}` stands for a closed set of names, one set for each level. Other placeholders stand for any segment. */
const limitsOf = (level: Level): string =>
  limits
    .filter(({ at }) => (at as readonly Level[]).includes(level))
    .map(({ name }) => `    | '${name}'`)
    .join('\n')

const dataName = (type: string): string =>
  `${type.replace(/(^|\.)([a-z])/g, (_, _dot: string, letter: string) => letter.toUpperCase())}Data`

/** The schemas of the event data by type name. Schemas that they refer to are among the other schemas. */
function dataShapes(): Json {
  const shapes = [...eventDataSchemas].map(([type, schema]) => {
    const { $schema, $defs, ...shape } = z.toJSONSchema(schema, { io: 'output' })
    return [dataName(type), shape]
  })
  return Object.fromEntries(shapes)
}

/** A client saves and restores the state of the model without looking into it, so its types are not generated. */
const opaque = { MachineState: { tsType: 'Record<string, unknown>', description: 'Save and restore it unchanged' } }
const opaqueParts = ['PartitionState', 'ProcessState', 'ThreadState']

/** Replaces objects whose keys are a closed set: the generator of types does not support `propertyNames`. */
function withKeys(_: string, value: unknown): unknown {
  const { propertyNames, additionalProperties, description } = Object(value) as Json
  const names = (propertyNames as { enum?: string[] } | undefined)?.enum
  if (names === undefined) return value
  const { type, anyOf } = additionalProperties as { type?: string; anyOf?: { type: string }[] }
  const types = (anyOf ?? [{ type }]).map((one) => (one.type === 'integer' ? 'number' : one.type))
  const isLimit = names.length === limits.length && limits.every(({ name }) => names.includes(name))
  const key = isLimit ? 'LimitName' : names.map((name) => `'${name}'`).join(' | ')
  return { description, tsType: `Partial<Record<${key}, ${types.join(' | ')}>>` }
}

/** Removes the comments that the library adds, and puts short comments on one line. */
const tidied = (shapes: string): string =>
  shapes
    .replace(/^export interface Shapes \{.*?^\}$/ms, '')
    .replace(/ *\/\*\*\n \* This interface was referenced by .*?\*\/\n/gs, '')
    .replace(/ \*\n \* This interface was referenced by .*?(?= \*\/)/gs, '')
    .replace(/^( *)\/\*\*\n *\* (.*)\n *\*\/$/gm, '$1/** $2 */')
    .trim()

export async function clientTypes(version: string): Promise<string> {
  const { paths, components } = ApiDocument.parse(openApi(version))
  const shown = Object.entries({ ...components.schemas, ...dataShapes(), ...opaque }).filter(
    ([name]) => !opaqueParts.includes(name) && !listName.test(name),
  )
  const text = JSON.stringify(Object.fromEntries(shown)).replaceAll(
    /#\/(components\/schemas|\$defs)\//g,
    '#/definitions/',
  )
  const definitions = JSON.parse(text, withKeys) as Record<string, JSONSchema>
  const shapes = await compile({ definitions } as JSONSchema, 'Shapes', {
    unreachableDefinitions: true,
    ignoreMinAndMaxItems: true,
    bannerComment: '',
    additionalProperties: false,
    style: { semi: false, singleQuote: true, printWidth: 120, trailingComma: 'all' },
  })
  // The documentation page is for people.
  const routes = Object.entries(paths).filter(([path]) => path !== '/docs')
  return `/** Types of the paths, bodies, replies and events of the service. Generated by \`npm run client-types\`; do not edit. */

/** The data of each type of event. */
export interface EventData {
${eventTypes.map(({ type }) => `  '${type}': ${dataName(type)}`).join('\n')}
}

export type LimitName =
${limits.map(({ name }) => `  | '${name}'`).join('\n')}

/** A directory or list; \`next\` is the cursor of the next page, null at the end. */
export interface List<Entry> {
  path: string
  entries: Entry[]
  next: string | null
}

/** The routes, with the pathnames of the OpenAPI document. */
export interface Routes {
${routes.map((route) => routeOf(route, components.parameters)).join('\n')}
}

/** Placeholders that stand for a closed set of names. Every other placeholder stands for any segment. */
export interface Placeholders {
${levels.map((level) => `  ${level}Limit:\n${limitsOf(level)}`).join('\n')}
}

${tidied(shapes)}
`
}

if (process.argv[1] === import.meta.filename) {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  writeFileSync(new URL('../../src/client/routes.ts', import.meta.url), await clientTypes(version))
}
