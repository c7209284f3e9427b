/** Reads the descriptor of a socket or server from a field that Node does not document. */

import type { Server, Socket } from 'node:net'

/** Null where there is none. */
export function descriptorOf(holder: Server | Socket): number | null {
  const handle: unknown = Reflect.get(holder, '_handle')
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null
  return typeof fd === 'number' && fd >= 0 ? fd : null
}
