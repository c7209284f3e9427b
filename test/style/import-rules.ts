/** Style rules for imports: layers, and cycles of imports. */

import { posix } from 'node:path'
import { cyclesOf, type Import, importsOf } from './imports.ts'
import { composers, mayImport, roomOf } from './layers.ts'
import type { Finding } from './passage.ts'
import type { Rule } from './rule.ts'

const finding = ({ from, line }: Import, text: string): Finding => ({ path: from, line, text })

export const layerRule: Rule = {
  name: 'layers',
  summary: 'A file of src imports only rooms that its own room may import.',
  find(files) {
    const imports = files.filter(({ path }) => path.startsWith('src/')).flatMap(importsOf)
    return imports.flatMap((one) => {
      const [from, to] = [roomOf(one.from), roomOf(one.to)]
      const allowed = from === to || composers.includes(from) || mayImport[from]?.includes(to)
      return allowed ? [] : [finding(one, `${from} may not import ${to}: ${one.to}`)]
    })
  },
}

/** Imports with both ends in the same cycle. */
function importsInCycles(imports: readonly Import[]): { cycle: readonly string[]; one: Import }[] {
  const cycleByFile = new Map(cyclesOf(imports).flatMap((cycle) => cycle.map((path) => [path, cycle])))
  return imports.flatMap((one) => {
    const cycle = cycleByFile.get(one.from)
    return cycle?.includes(one.to) ? [{ cycle, one }] : []
  })
}

export const runtimeCycleRule: Rule = {
  name: 'runtime-cycles',
  summary: 'No import that Node loads is part of an import cycle.',
  find: (files) =>
    importsInCycles(files.flatMap(importsOf).filter(({ atRuntime }) => atRuntime)).map(({ cycle, one }) =>
      finding(one, `${one.to}: in a run-time cycle of ${cycle.length} files`),
    ),
}

export const typeCycleRule: Rule = {
  name: 'type-cycles',
  summary: 'No import cycle, types included, reaches beyond one folder.',
  find: (files) =>
    importsInCycles(files.flatMap(importsOf)).flatMap(({ cycle, one }) =>
      posix.dirname(one.from) === posix.dirname(one.to)
        ? []
        : [finding(one, `${one.to}: in a cycle of ${cycle.length} files in several folders`)],
    ),
}
