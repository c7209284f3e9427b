/** Writes the result of a run as Markdown. */

import { table } from '../../docs/reference/markdown.ts'
import type { ResultLine } from './guest/result-line.ts'

/** The checks write this line last. */
const lastCheck = 'the end of the checks'

export function isComplete(lines: readonly ResultLine[]): boolean {
  return lines.every(({ outcome }) => outcome !== 'failed') && lines.some(({ what }) => what === lastCheck)
}

export function reportOf(
  lines: readonly ResultLine[],
  { suite, minutes }: { readonly suite: string; readonly minutes: number },
): string {
  const rows = (outcomes: readonly ResultLine['outcome'][]) =>
    lines
      .filter(({ outcome, what }) => outcomes.includes(outcome) && what !== lastCheck)
      .map(({ outcome, what, detail }) => [what, outcome === 'fact' ? detail : `${outcome}. ${detail}`])
  return [
    `# The last run on an ordinary machine with Debian ${suite}`,
    '',
    `\`npm run vm -- --suite ${suite}\` writes this page. It builds a Debian from packages, boots it in QEMU with the`,
    `unit of the package, and checks the service there. This run took ${minutes.toFixed(0)} minutes.`,
    '',
    table(['machine', ''], rows(['fact'])),
    table(['check', 'result'], rows(['passed', 'failed'])),
  ].join('\n')
}
