/**
 * `npm run client-types` makes src/client/routes.ts from what the rows of the tree say of themselves: the client is typed by
 * the same schemas as the service, and whoever uses it needs neither zod nor our sources. A test holds the one to the other.
 */

import { readFileSync, writeFileSync } from 'node:fs'
import { compile, type JSONSchema } from 'json-schema-to-typescript'
import { z } from 'zod'
import { openApi } from '../../src/http/openapi.ts'
import { eventTypes } from '../../src/kernel/events.ts'
import { type Level, levels, limits } from '../../src/kernel/limits/table.ts'
import { eventData } from '../../src/tree/event-views.ts'

type Json = Record<string, unknown>

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Json }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Json }>> }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }>
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Json>> }
}

/** What only changes how an answer looks, or makes a stream of it, is the client's own affair. */
const ofForm = ['format', 'pretty', 'fields']
/** Of a node that is read they have no meaning. */
const ofStreams = ['types', 'after', 'snapshot', 'durable']

const nameOf = (reference: unknown): string => String(reference).split('/').at(-1)!

/** The type of an answer or body: by its name, as a list of what has one, or as it is. */
function typeOf(schema: Json | undefined): string {
  if (schema === undefined) return 'undefined'
  if ('$ref' in schema) return nameOf(schema.$ref)
  if (schema.type === 'string') return 'string'
  const { entries } = (schema.properties ?? {}) as { entries?: { items: Json } }
  if (entries !== undefined) return `List<${typeOf(entries.items)}>`
  if (schema.type === 'object' && schema.properties === undefined) return 'Record<string, unknown>'
  throw new Error(`this shape has no name: ${JSON.stringify(schema)}`)
}

const jsonOf = (content: Operation['responses'][string]['content']): Json | undefined =>
  Object.values(content ?? {})[0]?.schema

function queryOf({ parameters = [] }: Operation, isOfTree: boolean): string {
  const hidden = isOfTree ? [...ofForm, ...ofStreams] : ofForm
  const asked = parameters.filter((parameter) => parameter.in === 'query' && !hidden.includes(parameter.name))
  const types = asked.map(({ name, schema }) => {
    const type = name === 'dry-run' ? 'true' : schema.type === 'integer' ? 'number' : 'string'
    return `${/^\w+$/.test(name) ? name : `'${name}'`}?: ${type}`
  })
  return types.length === 0 ? 'Record<string, never>' : `{ ${types.join('; ')} }`
}

function verbOf(path: string, method: string, operation: Operation): string {
  const { 200: ok, 201: made } = operation.responses
  const reply = method === 'delete' ? 'undefined' : typeOf(jsonOf((ok ?? made)?.content))
  const body = operation.requestBody && `body: ${typeOf(jsonOf(operation.requestBody.content))}; `
  return `    ${method}: { ${body ?? ''}query: ${queryOf(operation, path.startsWith('/sys'))}; reply: ${reply} }`
}

const levelOf = (path: string): Level =>
  path.startsWith('/sys/part/')
    ? 'partition'
    : path.includes('/thread/')
      ? 'thread'
      : path.startsWith('/sys/proc/')
        ? 'process'
        : 'system'

function routeOf([path, item]: [string, Document['paths'][string]]): string {
  const verbs = ['get', 'put', 'post', 'delete'].flatMap((method) => {
    const operation = item[method]
    return operation === undefined ? [] : [verbOf(path, method, operation)]
  })
  return `  '${path.replace('{limit}', `{${levelOf(path)}Limit}`)}': {\n${verbs.join('\n')}\n  }`
}

/** `limit` is a closed set of names, another at each level; what else stands in braces is any one segment. */
const limitsOf = (level: Level): string =>
  limits
    .filter(({ at }) => (at as readonly Level[]).includes(level))
    .map(({ name }) => `    | '${name}'`)
    .join('\n')

const dataName = (type: string): string =>
  `${type.replace(/(^|\.)([a-z])/g, (_, _dot: string, letter: string) => letter.toUpperCase())}Data`

/** Of the data of each type of event. What they name besides stands among the other shapes. */
function dataShapes(): Json {
  const shapes = Object.entries(eventData).map(([type, schema]) => {
    const { $schema, $defs, ...shape } = z.toJSONSchema(schema, { io: 'output' })
    return [dataName(type), shape]
  })
  return Object.fromEntries(shapes)
}

/** What the client has no use for in detail: the model's whole state is kept and put back as it is. */
const opaque = { MachineState: { tsType: 'Record<string, unknown>', description: 'Kept, and put back as it is' } }
const ofOpaque = ['PartitionState', 'ProcessState', 'ThreadState']

/** Objects whose keys are a closed set have no other way to say so. */
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

/** Short sentences stand on one line, and where the library found a shape is nobody's business. */
const tidied = (shapes: string): string =>
  shapes
    .replace(/^export interface Shapes \{.*?^\}$/ms, '')
    .replace(/ *\/\*\*\n \* This interface was referenced by .*?\*\/\n/gs, '')
    .replace(/ \*\n \* This interface was referenced by .*?(?= \*\/)/gs, '')
    .replace(/^( *)\/\*\*\n *\* (.*)\n *\*\/$/gm, '$1/** $2 */')
    .trim()

export async function clientTypes(version: string): Promise<string> {
  const { paths, components } = openApi(version) as unknown as Document
  const shown = Object.entries({ ...components.schemas, ...dataShapes(), ...opaque }).filter(
    ([name]) => !ofOpaque.includes(name),
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
  // A page for people is none for programs.
  const routes = Object.entries(paths).filter(([path]) => path !== '/docs')
  return `/** Made by \`npm run client-types\` from the rows of the tree: what is asked and answered on each path. Not written by hand. */

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

/** Each path, as in the OpenAPI document. */
export interface Routes {
${routes.map(routeOf).join('\n')}
}

/** What may stand in place of a name in braces, where that is not any one segment. */
export interface Placeholders {
${levels.map((level) => `  ${level}Limit:\n${limitsOf(level)}`).join('\n')}
}

${tidied(shapes)}
`
}

if (import.meta.main) {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  writeFileSync(new URL('../../src/client/routes.ts', import.meta.url), await clientTypes(version))
}
