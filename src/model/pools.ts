/**
 * Reads and sets usage and capacities of nodes in the counters of the kernel, and defines the default pools. Also finds
 * partitions by name, and creates the missing ones.
 */

import { assert } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type LimitName, limitIndex, limits } from '../kernel/limits/table.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import { partitionAppeared } from '../kernel/observations.ts'

/** Capacities of a partition or of the system, each in the unit of its limit. */
export type PoolCapacities = Readonly<Partial<Record<LimitName, number>>>

/** New capacities of pools. Null removes a pool. */
export type PoolSettings = Readonly<Partial<Record<LimitName, number | null>>>

/** Default pools of the system, which all processes share. One runaway process can exhaust any of them. */
export const defaultPools: PoolCapacities = {
  processes: 32_768,
  threads: 2_097_152,
  channels: 65_536,
  'server-ids': 65_536,
  connections: 65_536,
  timers: 65_536,
  signals: 65_536,
  fds: 1_048_576,
  'data-pages': 2_097_152,
  memory: 16 * 2 ** 30,
}

/** Limits which can have a pool: those which can refuse a call in a partition. */
export const poolNames: readonly LimitName[] = limits
  .filter(({ at, errno }) => errno !== null && (at as readonly string[]).includes('partition'))
  .map(({ name }) => name)

const noMaximum = 'no maximum of memory is set'

export class ResourcePools {
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  usage(node: Node, limit: LimitName): number {
    return this.#kernel.usage.value(node, limitIndex[limit])
  }

  capacity(node: Node, limit: LimitName): number {
    return this.#kernel.usage.capacity(node, limitIndex[limit])
  }

  setCapacity(node: Node, limit: LimitName, capacity: number): void {
    this.#kernel.usage.observeCapacity(node, limitIndex[limit], capacity)
  }

  /** Sets pools of a node. Free memory is known only while there is a maximum of memory. */
  set(node: Node, pools: PoolSettings): void {
    const { usage, now } = this.#kernel
    for (const [limit, capacity] of Object.entries(pools) as [LimitName, number | null][])
      this.setCapacity(node, limit, capacity ?? Number.POSITIVE_INFINITY)
    if (pools.memory === undefined) return
    const free = limitIndex['memory-free']
    if (pools.memory === null) usage.lose(node, free, noMaximum)
    else {
      const value = Math.max(0, pools.memory - this.usage(node, 'memory'))
      usage.observe(node, free, { value, at: now })
      this.setCapacity(node, 'memory-free', pools.memory)
    }
  }

  /** Sets the counters of a new node to zero: without this their values would be unknown. */
  startCounting(node: Node): void {
    for (const [index, row] of limits.entries()) {
      const isOwn =
        row.home === node.level || (row.adds === 'read' && (row.at as readonly string[]).includes(node.level))
      if (isOwn) this.#kernel.usage.charge(node, index, 0)
    }
  }

  /**
   * Finds the partition with these names, outermost first, and creates what is missing. Preconditions: in an update.
   */
  partition(names: readonly string[]): Partition {
    const kernel = this.#kernel
    for (let depth = 1; depth <= names.length; depth++) {
      const path = names.slice(0, depth)
      if (kernel.partition(path) !== null) continue
      const created = partitionAppeared(kernel, path)
      this.startCounting(created)
      kernel.usage.lose(created, limitIndex['memory-free'], noMaximum)
    }
    const partition = kernel.partition(names)
    assert(partition !== null, 'a partition has at least one name')
    return partition
  }
}
