/** Defines the one operational error of the kernel, coded by errno, whose message says what to do. */

export const errnos = {
  E2BIG: 'argument too long',
  EACCES: 'permission denied',
  EAGAIN: 'a limit is reached, try again later',
  EBADF: 'bad descriptor or connection',
  EBUSY: 'in use',
  ECHILD: 'no child to wait for',
  EDEADLK: 'would deadlock',
  EEXIST: 'exists already',
  EFBIG: 'file too large',
  EINTR: 'interrupted by a signal',
  EINVAL: 'invalid argument',
  EMFILE: 'too many open descriptors',
  ENOENT: 'no such entry',
  ENOMEM: 'not enough memory',
  ENOSPC: 'no room left',
  ENOTSUP: 'not supported here',
  ENXIO: 'no such device or address',
  EPERM: 'operation not permitted',
  ESRCH: 'no such process or thread',
  ETIMEDOUT: 'timed out',
} as const

export type Errno = keyof typeof errnos

export class KernelError extends Error {
  readonly errno: Errno
  /** The invalid field of the request; null if no single field is invalid. */
  readonly field: string | null

  constructor(errno: Errno, message: string, { field = null }: { field?: string | null } = {}) {
    super(message)
    this.name = 'KernelError'
    this.errno = errno
    this.field = field
  }
}

/** Throws on a programmer's error, which is never a response to a client. */
export function assert(condition: unknown, fact: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${fact}`)
}
