/** Defines the schema of the system node in a saved state, with the tree of partitions inside it. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import type { PartitionState } from '../../model/state/containers.ts'
import { pid, savedNodeShape } from './values.ts'

const Partition: z.ZodType<PartitionState> = z
  .strictObject({
    name: z.string().min(1),
    members: z.array(pid),
    get partitions() {
      return z.array(Partition)
    },
    ...savedNodeShape,
  })
  .meta({ id: 'PartitionState' })

const System = z.strictObject({ members: z.array(pid), partitions: z.array(Partition), ...savedNodeShape })

/**
 * Checks the depth of nested partitions before anything else: parsing a too deep structure would overflow the stack.
 */
export const SystemSchema = z.preprocess((value, context) => {
  if (hasDepth(value, bounds.partitionDepthMax + 1))
    context.addIssue(`at most ${bounds.partitionDepthMax} partitions are inside one another`)
  return value
}, System)

function hasDepth(container: unknown, depth: number): boolean {
  let level: readonly unknown[] = [container]
  for (let reached = 0; reached < depth && level.length > 0; reached++) level = level.flatMap(partitionsOf)
  return level.length > 0
}

function partitionsOf(container: unknown): readonly unknown[] {
  const isObject = typeof container === 'object' && container !== null && 'partitions' in container
  return isObject && Array.isArray(container.partitions) ? container.partitions : []
}
