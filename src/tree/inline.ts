/** Shows a node with the levels below it inline, as many as `depth` says. */

import { type Level, levels } from '../kernel/limits/limit-row.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { TreeContext } from './context.ts'
import type { Definition } from './definition.ts'
import { definitions } from './tree.ts'

interface InlineDirectory {
  readonly leaf: string
  readonly children: (context: TreeContext, node: Node) => readonly Node[]
}

function inlineOf({ under, leaf, listing }: Definition, level: Level): InlineDirectory[] {
  if (!listing?.listsNodes || !under.includes(level)) return []
  return [{ leaf, children: (context, node) => listing.children(context, node, {}) as readonly Node[] }]
}

function byLevel<T>(valueAt: (level: Level) => T): ReadonlyMap<Level, T> {
  return new Map(levels.map((level) => [level, valueAt(level)]))
}

const directoriesByLevel = byLevel((level) => definitions.flatMap((definition) => inlineOf(definition, level)))

/** The directories of nodes that a node of this level has. */
export function inlineDirectories(level: Level): readonly InlineDirectory[] {
  return directoriesByLevel.get(level)!
}

const nodeRows = byLevel((level) => definitions.find(({ leaf, under }) => leaf === '' && under.includes(level))!)

export function showNode(context: TreeContext, node: Node): object {
  return nodeRows.get(node.level)!.read!(context, node, {}, { since: null })
}

export function showDeep(context: TreeContext, node: Node, depth: number): object {
  const view = showNode(context, node)
  if (depth === 0) return view
  const below = inlineDirectories(node.level).map(({ leaf, children }) => [
    leaf,
    children(context, node).map((child) => showDeep(context, child, depth - 1)),
  ])
  return { ...view, ...Object.fromEntries(below) }
}
