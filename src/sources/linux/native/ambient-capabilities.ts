/** Drops the ambient capabilities of the calling thread, which programs that it starts would get. */

import { errorNumber, prctl } from './libc.ts'

const prCapAmbient = 47
const clearAll = 4
/** The kernel is older than ambient capabilities, so there are none. */
const einval = 22

/** The service's own capabilities stay. @throws Error with the errno when the kernel refuses it */
export function dropAmbientCapabilities(): void {
  if (prctl(prCapAmbient, clearAll, 0, 0, 0) === 0) return
  const number = errorNumber()
  if (number !== einval) throw new Error(`ambient capabilities cannot be dropped: errno ${number}`)
}
