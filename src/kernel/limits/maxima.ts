/** How much there may be of thresholds, so that memory is bounded. */

import { KernelError } from '../errno.ts'
import type { Node } from '../nodes/node.ts'

/** Most thresholds there may be in all; one more is refused with ENOSPC. */
export const thresholdsMax = 100_000

/** Most nodes that they may watch as one is set, a node counted once for each: some 150 bytes of memory each. */
export const watchesMax = 2_000_000

/** @throws ENOSPC */
export function checkCount(thresholds: number): void {
  if (thresholds < thresholdsMax) return
  throw new KernelError('ENOSPC', `there are ${thresholdsMax} thresholds already, which is the most; delete some`)
}

/**
 * Of a threshold for these nodes, where so many are watched already. Nodes that are born later are watched whatever there is: a
 * threshold that misses some would be worse.
 * @throws ENOSPC
 */
export function checkWatches(watches: number, nodes: Iterable<Node>): void {
  let room = watchesMax - watches
  for (const _ of nodes) room--
  if (room >= 0) return
  const most = `${watchesMax} are the most that thresholds may watch, a node counted once for each`
  throw new KernelError('ENOSPC', `${most}; delete some, or set this one at fewer nodes`)
}
