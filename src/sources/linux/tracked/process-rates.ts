/** Holds the rates of one process while they are read on demand. */

import { ProcFile } from '../native/proc-files.ts'
import { Rate } from './rate.ts'

export class ProcessRates {
  readonly io: ProcFile
  readonly read = new Rate()
  readonly written = new Rate()
  readonly faults = new Rate()
  /** The limits whose totals have been read, as bits of a mask. */
  known = 0

  constructor(processPath: string) {
    this.io = new ProcFile(`${processPath}/io`)
  }
}
