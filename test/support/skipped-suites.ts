/** Reports at the end of a test run which suites were skipped because a program is missing, and how to install it. */

import type { Reporter } from 'vitest/node'
import { installLine, programsOf, type SkippedSuite } from './required-programs.ts'

export class SkippedSuitesReporter implements Reporter {
  readonly #skipped: readonly SkippedSuite[]

  constructor(skipped: readonly SkippedSuite[]) {
    this.#skipped = skipped
  }

  onTestRunEnd(): void {
    if (this.#skipped.length === 0) return
    const lines = this.#skipped.map(
      ({ file, missing }) => `  ${file} needs ${programsOf(missing)}: ${installLine(missing)}`,
    )
    const count = this.#skipped.length
    console.log(`\n${count} ${count === 1 ? 'suite' : 'suites'} skipped, for want of programs:\n${lines.join('\n')}\n`)
  }
}
