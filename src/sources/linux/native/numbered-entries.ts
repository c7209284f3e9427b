import { readdirSync } from 'node:fs'
import { constants } from 'node:os'

const { ENOENT } = constants.errno

/** Names of a directory that are numbers; an error number, negated, where it cannot be listed. */
export function listNumberedEntries(path: string): number[] | number {
  try {
    const numbers: number[] = []
    for (const name of readdirSync(path)) {
      const first = name.charCodeAt(0)
      if (first >= 48 && first <= 57) numbers.push(Number(name))
    }
    return numbers
  } catch (thrown) {
    const code = thrown instanceof Error && 'errno' in thrown ? thrown.errno : undefined
    return typeof code === 'number' ? code : -ENOENT
  }
}
