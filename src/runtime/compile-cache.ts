/** Stores compiled code between starts, so that a start does not compile the same files again. */

import { existsSync, lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { enableCompileCache, flushCompileCache } from 'node:module'
import { dirname, isAbsolute, join } from 'node:path'

/** Otherwise the cache is written when the process ends, and never if it is killed. */
const flushAfterMs = 10_000
/** Users other than the owner may write. */
const othersWrite = 0o022
/** In a directory with this bit, users cannot rename or remove what others own. */
const sticky = 0o1000

/**
 * Uses the cache directory that systemd gives, or that of the user (XDG base directories). Workers use it too. Without
 * a directory of its own, the service compiles its code at each start.
 */
export function cacheCompiledCode(environment: NodeJS.ProcessEnv): void {
  if (environment.NODE_COMPILE_CACHE !== undefined || environment.NODE_DISABLE_COMPILE_CACHE !== undefined) return
  const wanted = cacheDirectory(environment)
  const directory = wanted === null ? null : privatePath(wanted)
  if (directory === null) return
  enableCompileCache(directory)
  // Workers find the directory in their environment only.
  environment.NODE_COMPILE_CACHE = directory
  setTimeout(flushCompileCache, flushAfterMs).unref()
}

/** Null when there is none. */
export function cacheDirectory({ CACHE_DIRECTORY, XDG_CACHE_HOME, HOME }: NodeJS.ProcessEnv): string | null {
  // A unit may have several directories, separated by colons.
  const [ofUnit = ''] = (CACHE_DIRECTORY ?? '').split(':')
  if (isAbsolute(ofUnit)) return join(ofUnit, 'compiled')
  // The specification says that relative paths are ignored.
  if (XDG_CACHE_HOME !== undefined && isAbsolute(XDG_CACHE_HOME)) return join(XDG_CACHE_HOME, 'introspectd', 'compiled')
  return HOME !== undefined && isAbsolute(HOME) ? join(HOME, '.cache', 'introspectd', 'compiled') : null
}

/**
 * Creates the directory, and checks that nobody else can put code into it: neither there nor by renaming a directory
 * above it. A service of root that is started with the home of a user must not run code from that home.
 * @returns its path without symbolic links, which others could change; null when it cannot be used
 */
export function privatePath(directory: string): string | null {
  try {
    create(directory)
    const real = realpathSync(directory)
    return isPrivate(real) ? real : null
  } catch {
    // A cache is not needed to run: a full disk or a directory that cannot be written only makes the start slower.
    return null
  }
}

function isPrivate(directory: string): boolean {
  for (let path = directory; ; path = dirname(path)) {
    const { uid, mode } = lstatSync(path)
    const owner = process.geteuid?.() ?? uid
    const isSafe = (mode & othersWrite) === 0 || (path !== directory && (mode & sticky) !== 0)
    if (!isSafe || (uid !== owner && (uid !== 0 || path === directory))) return false
    if (path === dirname(path)) return true
  }
}

/** Unlike a recursive `mkdir` of Node, this ends where a file system refuses with ENOENT, as /proc does. */
function create(directory: string): void {
  const missing: string[] = []
  for (let path = directory; !existsSync(path); path = dirname(path)) missing.unshift(path)
  for (const path of missing) mkdirSync(path, { mode: 0o700 })
}
