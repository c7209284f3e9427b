/**
 * Follows which limits on demand are read, and where. When one is no longer read, its last value is forgotten, so that
 * no client takes an old value for a present one.
 */

import type { Kernel } from '../../../kernel/kernel.ts'
import { limitIndex } from '../../../kernel/limits/table.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import { partitionsWithin } from '../../../kernel/nodes/within.ts'
import { containerBit, containerLimits, demandedLimits, isOnDemand } from '../linux-limits.ts'
import { type ScanCommand, scannedIndex } from '../protocol.ts'
import { ScanPlan } from '../scan/scan-plan.ts'
import { containerKey } from './armed-plan.ts'

type PlanCommand = Extract<ScanCommand, { type: 'plan' }>

export class Demands {
  readonly #kernel: Kernel
  #plan = new ScanPlan()
  #hasCmdlines = false

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** Preconditions: inside no update. */
  replace(command: PlanCommand): void {
    if (this.#hasCmdlines && command.cmdlines === undefined)
      for (const process of this.#kernel.processes.values()) process.cmdline = null
    this.#hasCmdlines = command.cmdlines ?? false
    const former = this.#plan
    this.#plan = new ScanPlan()
    this.#plan.replace(command)
    if (!former.hasDemands) return
    this.#kernel.update(this.#kernel.now, () => this.#forgetUnread(former))
  }

  /** Whether a process that executes a program is read again soon: its former command line no longer holds. */
  forgetCmdline(process: Process | undefined): boolean {
    if (process !== undefined) process.cmdline = null
    return this.#hasCmdlines
  }

  /** Whether the limit at this place of `scannedLimits` is wanted of the process. */
  isWanted(pid: number, index: number): boolean {
    return (this.#plan.demandOf(pid) & (1 << index)) !== 0
  }

  /** Whether the limit on demand is wanted of the machine or of the partition. */
  isWantedOf(container: System | Partition, bit: number): boolean {
    return (maskAt(this.#plan, container) & bit) !== 0
  }

  #forgetUnread(former: ScanPlan): void {
    for (const process of this.#kernel.processes.values()) {
      const gone = former.demandOf(process.pid) & ~this.#plan.demandOf(process.pid)
      if (gone !== 0) this.#forgetProcess(process, gone)
    }
    for (const container of [this.#kernel.system, ...partitionsWithin(this.#kernel.system)]) {
      const gone = maskAt(former, container) & ~maskAt(this.#plan, container)
      for (const limit of containerLimits)
        if ((gone & containerBit(limit)) !== 0 && isOnDemand(limit, container.level))
          this.#kernel.usage.forget(container, limitIndex[limit])
    }
  }

  #forgetProcess(process: Process, mask: number): void {
    for (const limit of demandedLimits) {
      if ((mask & (1 << scannedIndex[limit])) === 0) continue
      const nodes: Iterable<Node> = limit === 'context-switches' ? process.threads.values() : [process]
      for (const node of nodes) this.#kernel.usage.forget(node, limitIndex[limit])
    }
  }
}

function maskAt(plan: ScanPlan, container: System | Partition): number {
  const own = plan.containers.get(containerKey(container)) ?? 0
  return container.level === 'system' ? own : own | plan.everyPartition
}
