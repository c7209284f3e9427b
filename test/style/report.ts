/** Texts that `npm run prose` prints. */

import { excerpt, type Finding } from './passage.ts'
import type { Rule } from './rule.ts'

export interface Result {
  readonly rule: Rule
  readonly findings: readonly Finding[]
}

const worstMax = 4

function worstFiles(findings: readonly Finding[]): string {
  const byPath = [...Map.groupBy(findings, ({ path }) => path)].map(([path, found]) => ({ path, count: found.length }))
  const worst = byPath.toSorted((a, b) => b.count - a.count).slice(0, worstMax)
  return worst.map(({ path, count }) => `${path} ${count}`).join(', ')
}

/** One line for each rule: its total and the files with the most faults. */
export function totalsText(results: readonly Result[]): string {
  const width = Math.max(...results.map(({ rule }) => rule.name.length))
  return results
    .map(({ rule, findings }) =>
      `${rule.name.padEnd(width)} ${String(findings.length).padStart(5)}  ${worstFiles(findings)}`.trimEnd(),
    )
    .join('\n')
}

/** One line for each finding, in the form that editors and terminals turn into a link. */
export function findingsText(results: readonly Result[]): string {
  return results
    .flatMap(({ rule, findings }) =>
      findings.map(({ path, line, text }) => `${path}:${line}: ${rule.name}: ${excerpt(text)}`),
    )
    .join('\n')
}

export function shareText({ odd, comments }: { odd: number; comments: number }): string {
  const share = comments === 0 ? 0 : (100 * odd) / comments
  return `${odd} of ${comments} comments begin with What, Who, Of, Where, All, How, Those or As (${share.toFixed(1)} %)`
}
