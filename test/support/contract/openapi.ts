/** Checks a response against openapi.yaml: its path, status, content type, headers and body. */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Exchange } from './exchange.ts'

interface Answer {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, Header>>
  readonly content?: Content
  /** Further forms of the body, with the shape of `content`. */
  readonly 'x-content'?: Content
}

type Content = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Header {
  readonly $ref?: string
  readonly required?: boolean
}

interface Operation {
  readonly responses: Readonly<Record<string, Answer>>
}

interface Parameter {
  readonly name: string
  readonly schema: { readonly enum?: readonly string[] }
}

type PathItem = Readonly<Record<string, Operation>> & { readonly parameters?: readonly Parameter[] }

export interface Document {
  readonly paths: Readonly<Record<string, PathItem>>
  readonly components: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Headers of HTTP itself, which openapi.yaml does not declare. */
const httpHeaders = new Set(['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'transfer-encoding'])

/** Files of the documentation page come from a library and are not declared. */
const isDocumentationPage = (path: string): boolean => path.startsWith('/docs/')

export class OpenApiCheck {
  readonly #document: Document
  readonly #ajv: Ajv2020
  readonly #templates: readonly { readonly template: string; readonly pattern: RegExp }[]
  readonly #validators = new Map<string, ValidateFunction>()

  constructor(document: Document) {
    this.#document = document
    this.#ajv = new Ajv2020({ strict: false, allErrors: false })
    addFormats.default(this.#ajv)
    this.#ajv.addSchema(document, 'openapi')
    this.#ajv.addSchema(partial(document), 'partial')
    this.#templates = Object.keys(document.paths)
      .map((template) => ({ template, pattern: patternOf(template, document.paths[template]!.parameters ?? []) }))
      // Literal segments take precedence over parameters.
      .sort((one, other) => parametersOf(one.template) - parametersOf(other.template))
  }

  violations(exchange: Exchange): string[] {
    const { method, url, status } = exchange
    const { path, query } = split(url)
    if (isDocumentationPage(path)) return []
    return this.#wrong(exchange, path, query).map((what) => `${method} ${url} → ${status}: ${what}`)
  }

  #wrong(exchange: Exchange, path: string, query: URLSearchParams): string[] {
    const { status, headers, method } = exchange
    // A stream of a pattern of paths has the same response as the stream of /sys.
    const isPattern = path.includes('/*') && mediaType(headers) === 'text/event-stream'
    const template = isPattern ? '/sys' : this.#templateOf(path)
    const operation = template && this.#document.paths[template]![method === 'HEAD' ? 'get' : method.toLowerCase()]
    const isProblem = status >= 400 && mediaType(headers) === 'application/problem+json'
    // The service refuses undeclared paths and methods, always with a problem.
    if (!operation) {
      if (!isProblem) return [template ? `${method} is not declared at ${template}` : 'the path is not declared']
      return this.#wrongAnswer(exchange, ['components', 'responses', 'problem'], query)
    }
    const declared = operation.responses[status] ? String(status) : 'default'
    if (declared === 'default' && (!isProblem || !operation.responses.default)) return ['the status is not declared']
    const at = ['paths', template!, method === 'HEAD' ? 'get' : method.toLowerCase(), 'responses', declared]
    return this.#wrongAnswer(exchange, at, query)
  }

  #wrongAnswer(exchange: Exchange, at: readonly string[], query: URLSearchParams): string[] {
    const place = this.#followed(at)
    const answer = this.#at(place) as Answer
    const { headers, method, status } = exchange
    const wrong = this.#wrongHeaders(answer, headers)
    const type = mediaType(headers)
    if (answer.content === undefined) return type === null ? wrong : [...wrong, `a body of ${type} is not declared`]
    const declared = (['content', 'x-content'] as const).find((key) => type !== null && answer[key]?.[type])
    if (type === null || declared === undefined) return [...wrong, `the type ${type} is not declared`]
    if (method === 'HEAD') return wrong
    const inContent = [...place, declared, type]
    const shape = query.has('fields') && status === 200 ? 'partial' : 'openapi'
    return [...wrong, ...this.#wrongBody(exchange, type, inContent, shape)]
  }

  #wrongHeaders(answer: Answer, headers: Exchange['headers']): string[] {
    const declared = Object.entries(answer.headers ?? {}).map(([name, header]) => ({
      name: name.toLowerCase(),
      required: (header.$ref ? (this.#at(placeOf(header.$ref)) as Header) : header).required === true,
    }))
    const missing = declared.filter(({ name, required }) => required && headers[name] === undefined)
    const names = new Set(declared.map(({ name }) => name))
    const strange = Object.keys(headers).filter((name) => !httpHeaders.has(name) && !names.has(name))
    return [
      ...missing.map(({ name }) => `the header ${name} is declared and missing`),
      ...strange.map((name) => `the header ${name} is not declared`),
    ]
  }

  #wrongBody({ body, isWhole }: Exchange, type: string, at: readonly string[], shape: string): string[] {
    const text = body.toString()
    if (type === 'application/x-ndjson') {
      const lines = isWhole ? text.split('\n') : text.split('\n').slice(0, -1)
      return this.#wrongItems(
        lines.filter((line) => line !== ''),
        [...at, 'x-itemSchema'],
        shape,
      )
    }
    if (type === 'text/event-stream') {
      const lines = text.split('\n').slice(0, -1)
      const data = lines.flatMap((line) => (line.startsWith('data: ') ? [line.slice('data: '.length)] : []))
      return this.#wrongItems(data, [...at, 'x-itemSchema'], shape)
    }
    if (!isWhole) return []
    if (!type.endsWith('json')) return this.#wrongValue(text, [...at, 'schema'], shape)
    return this.#wrongJson(text, [...at, 'schema'], shape)
  }

  #wrongItems(lines: readonly string[], at: readonly string[], shape: string): string[] {
    for (const line of lines) {
      const wrong = this.#wrongJson(line, at, shape)
      // Items of one body are produced by the same code: the first violation is enough.
      if (wrong.length > 0) return wrong
    }
    return []
  }

  #wrongJson(text: string, at: readonly string[], shape: string): string[] {
    const value = parsed(text)
    return value === undefined ? [`the body is not JSON: ${text.slice(0, 200)}`] : this.#wrongValue(value, at, shape)
  }

  #wrongValue(value: unknown, at: readonly string[], shape: string): string[] {
    const validate = this.#validator(`${shape}#/${at.map(encode).join('/')}`)
    if (validate(value)) return []
    const [first] = validate.errors ?? []
    const part = (first?.instancePath ?? '').split('/').slice(1).reduce(step, value)
    return [`${first?.instancePath} ${first?.message} (${JSON.stringify(first?.params)}) in ${shown(part)}`]
  }

  #validator($ref: string): ValidateFunction {
    const known = this.#validators.get($ref)
    if (known !== undefined) return known
    const made = this.#ajv.compile({ $ref })
    this.#validators.set($ref, made)
    return made
  }

  #templateOf(path: string): string | null {
    return this.#templates.find(({ pattern }) => pattern.test(path))?.template ?? null
  }

  #followed(place: readonly string[]): readonly string[] {
    const { $ref } = this.#at(place) as Answer
    return $ref === undefined ? place : placeOf($ref)
  }

  #at(place: readonly string[]): unknown {
    return place.reduce(step, this.#document)
  }
}

/** Returns undefined for invalid JSON: no JSON value is undefined. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const step = (at: unknown, name: string): unknown => (at as Record<string, unknown>)[name]

const placeOf = (reference: string): string[] => reference.slice('#/'.length).split('/')

const encode = (name: string): string => encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'))

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 300)

const mediaType = (headers: Exchange['headers']): string | null => headers['content-type']?.replace(/ *;.*/, '') ?? null

const parametersOf = (template: string): number => template.split('{').length

/** Matches the repeated segments of nested partitions. OpenAPI cannot describe a segment that repeats. */
const nesting = /^\/sys(?:\/part\/[^/]+)+(?=\/proc\/)|^\/sys(?:\/part\/[^/]+)*(?=\/part\/[^/]+)/

function split(url: string): { path: string; query: URLSearchParams } {
  const [path, query = ''] = url.split('?', 2)
  return { path: path!.replace(/(?<=.)\/$/, '').replace(nesting, '/sys'), query: new URLSearchParams(query) }
}

function patternOf(template: string, parameters: readonly Parameter[]): RegExp {
  const parts = template.split(/\{([a-z]+)\}/g).map((part, place) => (place % 2 ? valuesOf(part) : RegExp.escape(part)))
  return new RegExp(`^${parts.join('')}$`)

  function valuesOf(name: string): string {
    const { enum: values } = parameters.find((parameter) => parameter.name === name)?.schema ?? {}
    return values === undefined ? '[^/]+' : `(?:${values.map((value) => RegExp.escape(value)).join('|')})`
  }
}

/** The same document without required properties: with `?fields=` a reply has only the selected ones. */
function partial(document: Document): Document {
  const text = JSON.stringify(document, (key, value) =>
    key === 'required' && Array.isArray(value) ? undefined : value,
  )
  return JSON.parse(text) as Document
}
