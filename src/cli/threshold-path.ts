/** Expands what a user types for a threshold: the path of a limit, with or without the name of the threshold. */

import { limits } from '../kernel/limits/table.ts'
import { CliError } from './error.ts'
import { wholePath } from './path.ts'

/** Name of a threshold if the typed path has none. */
export const defaultThresholdName = 'cli'

/** Short paths of the limits of the whole machine. */
export const limitNames: readonly string[] = limits.map(({ name }) => name)

/** Nodes, and the directories that list them. */
const node = /^\/sys(.*\/(proc|thread|part)(\/[^/]*)?)?$/

/** @throws CliError the path is that of a node and not of a limit */
export function typedThresholdPath(typed: string): string {
  const limit = wholePath(typed).replace(/\/$/, '')
  if (node.test(limit)) throw new CliError(`${limit} is no limit; name one below it, as in ${limit}/fds`)
  return limit.includes('/threshold/') ? limit : `${limit}/threshold/${defaultThresholdName}`
}
