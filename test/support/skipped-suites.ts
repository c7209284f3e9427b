/** Reports at the end of a test run which suites were skipped because a program is missing, and how to install it. */

import type { Reporter, Vitest } from 'vitest/node'
import { installLine, programsOf, type SkippedSuite } from './required-programs.ts'

export class SkippedSuitesReporter implements Reporter {
  readonly #skipped: readonly SkippedSuite[]
  readonly #tierOf: (file: string) => string
  #projects: readonly string[] = []

  constructor(skipped: readonly SkippedSuite[], tierOf: (file: string) => string) {
    this.#skipped = skipped
    this.#tierOf = tierOf
  }

  onInit({ projects }: Vitest): void {
    this.#projects = projects.map(({ name }) => name)
  }

  onTestRunEnd(): void {
    const skipped = this.#skipped.filter(({ file }) => this.#projects.includes(this.#tierOf(file)))
    if (skipped.length === 0) return
    const lines = skipped.map(({ file, missing }) => `  ${file} needs ${programsOf(missing)}: ${installLine(missing)}`)
    const count = skipped.length
    console.log(
      `\n${count} ${count === 1 ? 'suite' : 'suites'} skipped, because a program is missing:\n${lines.join('\n')}\n`,
    )
  }
}
