/** Lists the numbered entries of a directory of /proc: processes, threads or descriptors. */

import { readdirSync } from 'node:fs'
import { constants } from 'node:os'

const { ENOENT } = constants.errno

/** Lists the names in a directory that are numbers; returns a negated error number if it cannot be listed. */
export function listNumberedEntries(path: string): number[] | number {
  try {
    const numbers: number[] = []
    for (const name of readdirSync(path)) {
      const first = name.charCodeAt(0)
      if (first < 48 || first > 57) continue
      const number = Number(name)
      if (Number.isSafeInteger(number)) numbers.push(number)
    }
    return numbers
  } catch (thrown) {
    const code = thrown instanceof Error && 'errno' in thrown ? thrown.errno : undefined
    return typeof code === 'number' ? code : -ENOENT
  }
}
