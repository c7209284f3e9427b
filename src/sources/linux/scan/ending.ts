/**
 * Finds out whether a process is ending. Then it has no descriptors and no memory, so what was read of it is not
 * reported. A file that is missing or odd proves no end.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { emptyStat, parseStat } from '../parse/stat.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

const stat = emptyStat()

/** Replaces the bytes that were read last. */
export function isEnding({ livePath }: TrackedProcess, files: ProcFiles): boolean {
  const path = `${livePath}/stat`
  const length = files.readWhole(path)
  if (length < 0) return files.hasEnded(length, { path })
  return parseStat(files.bytes, length, stat) && stat.isEnding
}
