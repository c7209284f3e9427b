/** Reads files of /proc without which the live source cannot start. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SourceError, UnsuitableMachineError } from '../../source.ts'
import { readProcOptions } from './proc-options.ts'

/** @throws SourceError if the file is absent; the message says what to change */
export function readRequiredFile(procRoot: string, path: string): string {
  try {
    return readFileSync(join(procRoot, path), 'latin1')
  } catch (error) {
    if (readProcOptions(procRoot)?.isSubset === true)
      throw new UnsuitableMachineError(
        `${procRoot} is mounted with subset=pid and has no ${path}: mount it without that option, or remove ProcSubset= from the systemd unit`,
      )
    throw new SourceError(`${procRoot} is not a procfs: ${error instanceof Error ? error.message : String(error)}`)
  }
}
