/** A style rule finds faults in the files of the project. */

import type { Finding } from './passage.ts'
import type { SourceFile } from './source-file.ts'

export interface Rule {
  /** Name in the allowances and in reports. */
  readonly name: string
  /** The rule as a sentence. */
  readonly summary: string
  /** @returns One finding for each fault, in the order of files and lines. */
  readonly find: (files: readonly SourceFile[]) => Finding[]
}

/** A fault inside one file. */
export interface Fault {
  readonly line: number
  readonly text: string
}

/** Makes a rule of a check that looks at one file at a time. */
export function fileRule(name: string, summary: string, check: (file: SourceFile) => readonly Fault[]): Rule {
  return {
    name,
    summary,
    find: (files) =>
      files.flatMap((file) =>
        check(file)
          .toSorted((a, b) => a.line - b.line)
          .map((fault) => ({ path: file.path, ...fault })),
      ),
  }
}
