/**
 * Style rule for exports: an exported name of src is declared in one file only. Other files may export it again. The
 * generated types of the client (`client/routes.ts`) are left out: they describe the same things to users of the
 * package, under the names of OpenAPI.
 */

import type { Finding } from './passage.ts'
import type { Rule } from './rule.ts'
import type { SourceFile } from './source-file.ts'

interface Home extends Finding {
  readonly name: string
}

/** Names that a file exports and does not import from elsewhere. */
function homesOf({ path, syntax, index }: SourceFile): Home[] {
  if (syntax === undefined || !path.startsWith('src/')) return []
  const imported = new Set(
    syntax.module.staticImports.flatMap(({ entries }) => entries.map(({ localName }) => localName.value)),
  )
  return syntax.module.staticExports
    .flatMap(({ entries }) => entries)
    .flatMap(({ moduleRequest, exportName, localName, start }) =>
      moduleRequest !== null || exportName.name === null || imported.has(localName.name ?? '')
        ? []
        : [{ path, line: index.lineOf(start), name: exportName.name, text: exportName.name }],
    )
}

export const homeRule: Rule = {
  name: 'homes',
  summary: 'An exported name of src has one home.',
  find(files) {
    const homes = files.flatMap(homesOf)
    const byName = Map.groupBy(homes, ({ name }) => name)
    return homes.flatMap(({ path, line, name }) => {
      const others = byName.get(name)!.filter((home) => home.path !== path)
      return others.length === 0
        ? []
        : [{ path, line, text: `${name}: also in ${others.map((home) => home.path).join(', ')}` }]
    })
  },
}
