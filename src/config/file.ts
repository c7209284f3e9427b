/** Reads settings from a YAML file, each with its line for error messages. */

import type { Node } from 'yaml'
import { didYouMean } from '../base/nearest.ts'
import { yaml } from '../base/yaml.ts'
import { ConfigError } from './error.ts'

export interface Given {
  readonly value: unknown
  /** The origin of the value: a flag, a variable, or a line of a file. */
  readonly origin: string
  /** The origin as error messages name it. */
  readonly place: string
}

/** A document that has only comments after `---`. */
function isNothing(contents: Node): boolean {
  return yaml().isScalar(contents) && contents.value === null
}

/** Settings by key. @throws ConfigError naming the file and the line */
export function parseConfigFile(text: string, { file, keys }: { file: string; keys: readonly string[] }) {
  const { isMap, LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line}`
  const [fault] = [...document.errors, ...document.warnings]
  if (fault !== undefined) throw new ConfigError(`${at(fault.pos[0])}: this is not YAML: ${fault.message}`)
  if (document.contents === null || isNothing(document.contents)) return new Map<string, Given>()
  if (!isMap<Node, Node | null>(document.contents)) {
    throw new ConfigError(`${file}: expected a setting a line, as in "port: 7007"`)
  }
  const given = new Map<string, Given>()
  for (const { key: node, value } of document.contents.items) {
    const [key, origin] = [String(node), at(node.range![0])]
    if (!keys.includes(key)) {
      throw new ConfigError(
        `${origin}: there is no setting ${JSON.stringify(key).slice(1, -1)}${didYouMean(key, keys)}`,
      )
    }
    const former = given.get(key)
    if (former !== undefined) throw new ConfigError(`${origin}: ${key} is set already at ${former.origin}`)
    given.set(key, { value: plain(value), origin, place: `${origin}: ${key}` })
  }
  return given

  function plain(node: Node | null): unknown {
    const names = isMap<Node, Node | null>(node) ? node.items.map(({ key }) => String(key)) : []
    const twice = names.find((name, place) => names.indexOf(name) !== place)
    if (twice !== undefined) throw new ConfigError(`${at(node!.range![0])}: ${twice} is there twice`)
    try {
      return node?.toJS(document) ?? null
    } catch (error) {
      throw new ConfigError(
        `${at(node!.range![0])}: this is not YAML: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }
}
