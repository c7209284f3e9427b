/** Expands the short forms of pathnames that users type, such as `42/fds`. */

/**
 * Expands `42/fds` to `/sys/proc/42/fds`, and `fds` to `/sys/fds`. No node directly below /sys has a number as its
 * name.
 */
export function wholePath(typed: string): string {
  // A typed path has no query: these two belong to a name in it.
  const path = typed.replace(/[?#]/g, encodeURIComponent)
  if (path.startsWith('/')) return path
  return /^(\d+|self)(\/|$)/.test(path) ? `/sys/proc/${path}` : `/sys/${path}`
}
