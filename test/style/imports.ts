/** Lists the imports between files of the project, and finds those that are part of an import cycle. */

import { createRequire } from 'node:module'
import { posix } from 'node:path'
import { type Node, Visitor } from 'oxc-parser'
import type { SourceFile } from './source-file.ts'

// Type declarations of the two packages name the same module in two ways, so they do not fit together.
const require = createRequire(import.meta.url)
const { DirectedGraph } = require('graphology') as typeof import('graphology')
const { stronglyConnectedComponents } = require('graphology-components') as {
  stronglyConnectedComponents: (graph: object) => string[][]
}

export interface Import {
  /** Path of the importing file, from the root of the project. */
  readonly from: string
  readonly to: string
  readonly line: number
  /** False for `import type`, `export type` and `import('…').Name`, which Node does not load. */
  readonly atRuntime: boolean
}

/** Imports of other files of the project. Packages and modules of Node are left out. */
export function importsOf({ path, syntax, index }: SourceFile): Import[] {
  const found: Import[] = []
  if (syntax === undefined) return found
  const add = (node: Node, source: Node | null, atRuntime: boolean): void => {
    if (source?.type !== 'Literal' || typeof source.value !== 'string' || !source.value.startsWith('.')) return
    const to = posix.join(posix.dirname(path), source.value)
    found.push({ from: path, to, line: index.lineOf(node.start), atRuntime })
  }
  new Visitor({
    // An import whose names are all marked inline with `type` still loads the module: Node erases the names only.
    ImportDeclaration: (node) => add(node, node.source, node.importKind !== 'type'),
    ExportNamedDeclaration: (node) => add(node, node.source, node.exportKind !== 'type'),
    ExportAllDeclaration: (node) => add(node, node.source, node.exportKind !== 'type'),
    ImportExpression: (node) => add(node, node.source, true),
    TSImportType: (node) => add(node, node.source, false),
  }).visit(syntax.program)
  return found
}

/** @returns Groups of files that import one another in a circle, directly or through others. */
export function cyclesOf(imports: readonly Import[]): string[][] {
  const graph = new DirectedGraph()
  for (const { from, to } of imports) graph.mergeEdge(from, to)
  return stronglyConnectedComponents(graph)
    .filter((files) => files.length > 1)
    .map((files) => files.sort())
    .sort((a, b) => b.length - a.length)
}
