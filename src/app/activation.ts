/** Finds the sockets that systemd has opened for the service: sd_listen_fds(3). */

import type { Endpoint } from './endpoint.ts'
import { ListenError } from './endpoint.ts'

export interface InheritedSocket extends Endpoint {
  readonly fd: number
}

const firstFd = 3

/** Empty where the service opens its sockets itself. @throws ListenError where a descriptor is of no use */
export async function inheritedSockets(
  { LISTEN_PID: receiver, LISTEN_FDS: count }: NodeJS.ProcessEnv,
  pid: number,
): Promise<readonly InheritedSocket[]> {
  // The variables were meant for a parent process.
  if (receiver !== String(pid) || count === undefined || process.platform !== 'linux') return []
  if (!/^\d{1,4}$/.test(count)) throw new ListenError(`LISTEN_FDS: ${count} is no number of sockets`)
  const { boundAddress, isListening } = await import('../sources/linux/native/socket-facts.ts')
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstFd + index
    if (!isListening(fd)) throw new ListenError(`LISTEN_FDS: descriptor ${fd} is no socket that listens`)
    try {
      return { fd, ...boundAddress(fd) }
    } catch (error) {
      throw new ListenError(`LISTEN_FDS: descriptor ${fd}: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}
