/** Reads files of /proc without which the live source cannot start. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SourceError, UnsuitableMachineError } from '../../source.ts'
import { readProcOptions } from './proc-options.ts'

/** @throws SourceError if the file cannot be read; the message says what to change */
export function readRequiredFile(procRoot: string, path: string): string {
  try {
    return readFileSync(join(procRoot, path), 'latin1')
  } catch (error) {
    refuseSubset(procRoot, path)
    const reason = error instanceof Error ? error.message : String(error)
    throw new SourceError(`the live source needs ${join(procRoot, path)}: ${reason}`)
  }
}

/** @throws UnsuitableMachineError if the procfs was mounted without all files that are not of processes */
export function refuseSubset(procRoot: string, path: string): void {
  if (readProcOptions(procRoot)?.isSubset !== true) return
  throw new UnsuitableMachineError(
    `${procRoot} is mounted with subset=pid and has no ${path}: mount it without that option, or remove ProcSubset= from the systemd unit`,
  )
}
