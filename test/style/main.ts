/**
 * Command that reports style faults in the checkout of the working directory.
 * `npm run prose` counts them, `npm run prose -- src/kernel` lists those of one folder or file,
 * `npm run prose -- --shrink` lowers the allowances to the present counts.
 */

import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { readProject } from './project.ts'
import { openerShare } from './prose-rules.ts'
import { allowancesPath, complaints, countsOf, readAllowances, shrink } from './ratchet.ts'
import { findingsText, type Result, shareText, totalsText } from './report.ts'
import { rules } from './rules.ts'

/** Lowers allowances. A rule that has none yet, or a missing file, starts with the present counts. */
function shrinkAllowances(results: readonly Result[]): void {
  const allowances = existsSync(allowancesPath) ? readAllowances(allowancesPath) : {}
  const shrunk = Object.fromEntries(
    results.map(({ rule, findings }) => {
      const found = countsOf(findings)
      return [rule.name, shrink(found, allowances[rule.name] ?? found, (path) => existsSync(path))]
    }),
  )
  writeFileSync(allowancesPath, `${JSON.stringify(shrunk, null, 2)}\n`)
  for (const { rule, findings } of results)
    for (const complaint of complaints(rule.name, countsOf(findings), shrunk[rule.name] ?? {})) console.log(complaint)
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { shrink: { type: 'boolean', default: false }, rule: { type: 'string', multiple: true } },
})
const files = readProject(process.cwd())
const folders = positionals.map((path) => path.replace(/^\.\//, '').replace(/\/+$/, ''))
const inFolders = (path: string): boolean =>
  folders.length === 0 || folders.some((folder) => path === folder || path.startsWith(`${folder}/`))
const all = rules.map((rule) => ({ rule, findings: rule.find(files) }))
const results = all
  .filter(({ rule }) => values.rule === undefined || values.rule.includes(rule.name))
  .map(({ rule, findings }) => ({ rule, findings: findings.filter(({ path }) => inFolders(path)) }))

for (const name of values.rule ?? [])
  if (!rules.some((rule) => rule.name === name)) fail(`no rule "${name}": ${rules.map((rule) => rule.name).join(', ')}`)
for (const folder of folders) if (!existsSync(folder)) fail(`no file or folder "${folder}"`)

if (values.shrink) shrinkAllowances(all)
if (folders.length > 0 || values.rule !== undefined) console.log(findingsText(results))
console.log(totalsText(results))
console.log(shareText(openerShare(files.filter(({ path }) => inFolders(path)))))
