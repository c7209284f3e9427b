/** Paths as people type them. */

/** `42/fds` is below /sys/proc, `fds` and `part/web` below /sys: no name at /sys is a number. */
export function wholePath(typed: string): string {
  if (typed.startsWith('/')) return typed
  return /^(\d+|self)(\/|$)/.test(typed) ? `/sys/proc/${typed}` : `/sys/${typed}`
}
