/** Finds the directory for persistent data, from the settings and the environment. */

import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Config } from './settings.ts'

/**
 * The data directory; null stores data in memory only. The setting has precedence. Without it, the model uses memory,
 * so that every run is the same. A live machine uses the directory that systemd gives, or the user's state directory
 * (XDG base directories).
 */
export function dataDirectory(
  { data, source }: Pick<Config, 'data' | 'source'>,
  environment: NodeJS.ProcessEnv,
): string | null {
  if (data === 'memory') return null
  return data ?? (source === 'model' ? null : stateDirectory(environment))
}

export function stateDirectory({ STATE_DIRECTORY, XDG_STATE_HOME, HOME }: NodeJS.ProcessEnv): string {
  // A unit may have several directories, separated by colons. The service uses the first.
  const [ofUnit = ''] = (STATE_DIRECTORY ?? '').split(':')
  if (isAbsolute(ofUnit)) return ofUnit
  // The specification says that relative paths are ignored.
  const isValid = XDG_STATE_HOME !== undefined && isAbsolute(XDG_STATE_HOME)
  return join(isValid ? XDG_STATE_HOME : join(HOME || homeOfUser(), '.local', 'state'), 'introspectd')
}

/** A user without a passwd entry has no home directory. Opening the data directory then reports the error. */
function homeOfUser(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}
