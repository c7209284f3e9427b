/** Bounds the number of thresholds, of watched nodes and of requests, and so their memory. */

import { KernelError } from '../errno.ts'
import type { Node } from '../nodes/node.ts'

/** Maximum number of thresholds; one more is refused with ENOSPC. */
export const thresholdsMax = 100_000

/**
 * Maximum number of watches when a threshold is set. A watch is one threshold at one node, and takes some 150 bytes.
 */
export const watchesMax = 2_000_000

/** Time for which a source goes on reading a limit after a client has read it. */
export const requestHoldMs = 30_000

/** Maximum number of such limits at nodes. Beyond it, the oldest request ends. */
export const requestsMax = 1_000

/** @throws ENOSPC */
export function checkCount(thresholds: number): void {
  if (thresholds < thresholdsMax) return
  throw new KernelError('ENOSPC', `there are ${thresholdsMax} thresholds already, which is the maximum: delete some`)
}

/**
 * Checks that a new threshold may watch these nodes. Nodes that are born later are always watched, because a threshold
 * that misses some would be worse.
 * @param watches The number of watches so far.
 * @throws ENOSPC
 */
export function checkWatches(watches: number, nodes: Iterable<Node>): void {
  let room = watchesMax - watches
  for (const _ of nodes) room--
  if (room >= 0) return
  const most = `${watchesMax} are the most that thresholds may watch, a node counted once for each`
  throw new KernelError('ENOSPC', `${most}; delete some, or set this one at fewer nodes`)
}
