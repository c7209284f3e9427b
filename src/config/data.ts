/** Where what outlives the service is kept, from the settings and what the surroundings say. */

import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Config } from './settings.ts'

/**
 * The directory; null: in memory only. As it was said; else of the model nowhere, because a run of it is to be the same
 * each time; else where systemd says, or in the user's state directory (XDG base directories).
 */
export function dataDirectory(
  { data, source }: Pick<Config, 'data' | 'source'>,
  environment: NodeJS.ProcessEnv,
): string | null {
  if (data === 'memory') return null
  return data ?? (source === 'model' ? null : stateDirectory(environment))
}

export function stateDirectory({ STATE_DIRECTORY, XDG_STATE_HOME, HOME }: NodeJS.ProcessEnv): string {
  // A unit may have several, separated by colons: ours is the first.
  const [ofUnit = ''] = (STATE_DIRECTORY ?? '').split(':')
  if (isAbsolute(ofUnit)) return ofUnit
  // By the specification what is not absolute is to be passed over.
  const isValid = XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME)
  return join(isValid ? XDG_STATE_HOME : join(HOME || homeOfUser(), '.local', 'state'), 'introspectd')
}

/** A user that nobody has entered anywhere has none: then nothing can be kept there either, which is said on opening it. */
function homeOfUser(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}
