/** Expands the short forms of pathnames that users type, such as `42/fds`. */

/**
 * Expands `42/fds` to `/sys/proc/42/fds`, and `fds` to `/sys/fds`. No node directly below /sys has a number as its
 * name.
 */
export function wholePath(typed: string): string {
  if (typed.startsWith('/')) return typed
  return /^(\d+|self)(\/|$)/.test(typed) ? `/sys/proc/${typed}` : `/sys/${typed}`
}
