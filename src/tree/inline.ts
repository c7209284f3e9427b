/** A node with what lies below it inline, as many levels as are asked for. */

import type { Level } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Definition, TreeContext } from './definition.ts'
import { definitions } from './tree.ts'

interface InlineDirectory {
  readonly leaf: string
  readonly children: (context: TreeContext, node: Node) => readonly Node[]
}

function inlineOf({ under, leaf, listing }: Definition, level: Level): InlineDirectory[] {
  if (!listing?.ofNodes || !under.includes(level)) return []
  return [{ leaf, children: (context, node) => listing.children(context, node, {}) as readonly Node[] }]
}

function byLevel<T>(of: (level: Level) => T): Readonly<Record<Level, T>> {
  return {
    thread: of('thread'),
    process: of('process'),
    partition: of('partition'),
    system: of('system'),
  }
}

const directoriesByLevel = byLevel((level) => definitions.flatMap((definition) => inlineOf(definition, level)))

/** The directories of nodes that a node of this level has. */
export function inlineDirectories(level: Level): readonly InlineDirectory[] {
  return directoriesByLevel[level]
}

const nodeRows = byLevel((level) => definitions.find(({ leaf, under }) => leaf === '' && under.includes(level))!)

export function showNode(context: TreeContext, node: Node): object {
  return nodeRows[node.level].read!(context, node, {}, { since: null })
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
