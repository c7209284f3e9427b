/** Turns paths as people type them into pathnames of the service. */

/** `42/fds` is below /sys/proc, `fds` and `part/web` below /sys: no name at /sys is a number. */
export function wholePath(typed: string): string {
  // A typed path has no query: these two belong to a name in it.
  const path = typed.replace(/[?#]/g, encodeURIComponent)
  if (path.startsWith('/')) return path
  return /^(\d+|self)(\/|$)/.test(path) ? `/sys/proc/${path}` : `/sys/${path}`
}
