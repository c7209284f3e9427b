/** Parses YAML text, and finds the line and column of each value in it. */

import type { Document, Node } from 'yaml'
import { bounds } from './bounds.ts'
import { yaml } from './yaml.ts'

/** Keys and indexes that lead to a value. */
export type YamlPath = readonly PropertyKey[]

export interface YamlPlace {
  readonly line: number
  readonly column: number
}

export interface YamlText {
  readonly value: unknown
  /** Place of the value, or of its key; of the deepest part of the path that exists. */
  readonly placeOf: (path: YamlPath, of?: 'key' | 'value') => YamlPlace
}

/** The text is not YAML, or has keys that are not text. */
export class YamlError extends Error {
  readonly place: YamlPlace

  constructor(place: YamlPlace, message: string) {
    super(`this is not YAML: ${message}`)
    this.name = 'YamlError'
    this.place = place
  }
}

/** @throws YamlError */
export function parseYamlText(text: string): YamlText {
  const { LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const placeAt = (offset: number): YamlPlace => {
    const { line, col } = lines.linePos(offset)
    return { line, column: col }
  }
  const refuse = (offset: number, message: string): never => {
    throw new YamlError(placeAt(offset), message)
  }
  // Only the first error is reported, because later ones mostly follow from it.
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) refuse(fault.pos[0], fault.code === 'RESOURCE_EXHAUSTION' ? tooDeep : fault.message)
  checkNodes(document, refuse)
  try {
    const value: unknown = document.toJS()
    return { value, placeOf: (path, of = 'value') => placeAt(offsetOf(document, path, of)) }
  } catch (error) {
    // The library refuses so many aliases of aliases that they must be an attack.
    if (error instanceof ReferenceError) return refuse(0, error.message)
    throw error
  }
}

const tooDeep = 'it is nested too deeply'

function checkNodes(document: Document, refuse: (offset: number, message: string) => never): void {
  const { isCollection, isScalar, visit } = yaml()
  visit(document, {
    Collection: (_, node, above) => {
      const depth = above.filter((one) => isCollection(one)).length
      if (depth >= bounds.scenarioDepthMax) refuse(startOf(node) ?? 0, tooDeep)
    },
    Pair: (_, { key }) => {
      if (isScalar(key) && typeof key.value === 'string' && key.value !== '__proto__') return
      refuse(startOf(key) ?? 0, `a key is plain text, not ${String(key)}`)
    },
    Alias: (_, alias, above) => {
      const named = alias.resolve(document)
      if (named === undefined) refuse(startOf(alias) ?? 0, `nothing before it is named &${alias.source}`)
      if (above.some((node) => node === named))
        refuse(startOf(alias) ?? 0, `*${alias.source} is inside the value that it refers to`)
    },
  })
}

function startOf(node: unknown): number | null {
  return (node as Node | null)?.range?.[0] ?? null
}

/** @returns the offset of the deepest part of the path that exists */
export function offsetOf(document: Document, path: YamlPath, of: 'key' | 'value'): number {
  const { isAlias, isMap, isScalar, isSeq } = yaml()
  let node: unknown = document.contents
  let offset = startOf(node) ?? 0
  for (const [depth, part] of path.entries()) {
    const inner = isAlias(node) ? node.resolve(document) : node
    if (isMap(inner)) {
      const pair = inner.items.find(({ key }) => isScalar(key) && key.value === part)
      if (pair === undefined) return offset
      const isLast = depth === path.length - 1
      node = pair.value
      // An empty value has the place of its key.
      const isEmpty = isScalar(node) && node.source === ''
      offset = (of === 'key' && isLast) || isEmpty ? (startOf(pair.key) ?? offset) : (startOf(node) ?? offset)
    } else if (isSeq(inner)) {
      node = inner.items[Number(part)]
      offset = startOf(node) ?? offset
    } else return offset
  }
  return offset
}
