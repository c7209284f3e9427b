/** Computes the plan of the scans from the thresholds, the default timers and the requests of clients. */

import type { Kernel } from '../../../kernel/kernel.ts'
import type { Level } from '../../../kernel/limits/limit-row.ts'
import { type LimitName, limits } from '../../../kernel/limits/table.ts'
import type { Node } from '../../../kernel/nodes/node.ts'
import { processOf } from '../../../kernel/nodes/owners.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import { partitionsWithin, processesWithin } from '../../../kernel/nodes/within.ts'
import { containerBit, feedAt, linuxReading, type ScannedLimit, scannedLimits } from '../linux-limits.ts'
import { locksBit, type ScanCommand } from '../protocol.ts'
import { demandMask, ranMask } from '../scan/scan-plan.ts'

export interface ArmedPlan {
  readonly command: Extract<ScanCommand, { type: 'plan' }>
  /** A partition has a threshold, so births in it change the plan. */
  readonly followsPartitions: boolean
  /** Names what makes the fast scan necessary; null if nothing does. */
  readonly armedBy: string | null
}

/** Bits of limits for every process, and for some. */
class Masks {
  every = 0
  readonly some = new Map<number, number>()
  followsPartitions = false

  add(node: Node, mask: number): void {
    if (mask === 0) return
    if (node.level === 'system') this.every |= mask
    else if (node.level === 'partition') {
      this.followsPartitions = true
      for (const { pid } of processesWithin(node)) this.some.set(pid, (this.some.get(pid) ?? 0) | mask)
    } else {
      const { pid } = processOf(node)!
      this.some.set(pid, (this.some.get(pid) ?? 0) | mask)
    }
  }
}

/** Bits of limits on demand for every partition, and for some containers. */
class ContainerMasks {
  every = 0
  readonly some = new Map<string, number>()
  followsPartitions = false

  /** @param per The level of the nodes below that are read; null for the node itself. */
  add(node: Node, limit: LimitName, per: Level | null): void {
    const bit = containerBit(limit)
    const watched = per ?? node.level
    if (bit === 0 || feedAt(limit, watched) === null || !isContainer(node)) return
    if (per === null) this.#addOne(node, bit)
    else if (per !== 'partition') return
    else if (node.level === 'system') this.every |= bit
    else {
      this.followsPartitions = true
      for (const partition of partitionsWithin(node)) this.#addOne(partition, bit)
    }
  }

  #addOne(node: System | Partition, bit: number): void {
    const key = containerKey(node)
    this.some.set(key, (this.some.get(key) ?? 0) | bit)
  }
}

function isContainer(node: Node): node is System | Partition {
  return node.level === 'system' || node.level === 'partition'
}

/** The names of a partition with a slash between them; empty for the machine. */
export function containerKey(node: System | Partition): string {
  if (node.level === 'system') return ''
  const above = containerKey(node.parent)
  return above === '' ? node.name : `${above}/${node.name}`
}

type PlanInput = Pick<Kernel, 'notifier' | 'timers' | 'requests' | 'cmdlines'>

export function armedPlan({ notifier, timers, requests, cmdlines }: PlanInput): ArmedPlan {
  const masks = new Masks()
  const requested = new Masks()
  const containers = new ContainerMasks()
  let system = false
  let wantsCmdlines = cmdlines?.shown ?? false
  const arming: string[] = []
  for (const { node, limit, index, definition, path } of notifier.thresholds()) {
    if (!notifier.switches.isOn(index)) continue
    const isSystem = node.level === 'system' && feedAt(limit, 'system') === 'meminfo'
    if (isSystem) system = true
    if (definition.where?.cmdline !== undefined) wantsCmdlines = true
    const watched = definition.per ?? node.level
    const mask = maskOf(limit, watched)
    if (isSystem || mask !== 0) arming.push(path)
    masks.add(node, mask)
    containers.add(node, limit, definition.per)
  }
  // Full scans are often enough for a client that reads a value now and then.
  for (const { node, index } of requests.all()) {
    const limit = limits[index]!.name
    requested.add(node, maskOf(limit, node.level) & demandMask)
    containers.add(node, limit, null)
  }
  // The duration of waits is seen only if the fast scan reads what threads wait for.
  for (const { node, definition } of timers.timeouts()) {
    if (definition.states.length === 0) continue
    arming.push(`the timeout of ${node.path}`)
    masks.add(node, locksBit)
  }
  for (const [pid, mask] of masks.some) masks.some.set(pid, mask | masks.every | locksBit)
  for (const [pid, mask] of requested.some) requested.some.set(pid, mask | requested.every)
  // With a threshold on every process, waits are read only if the plan reads threads anyway.
  if ((masks.every & ranMask) !== 0) masks.every |= locksBit
  const isArmed = masks.every !== 0 || system || masks.some.size > 0
  return {
    command: {
      type: 'plan',
      everyMask: masks.every,
      system,
      masks: masks.some,
      ...(wantsCmdlines && { cmdlines: true as const }),
      demands: {
        everyMask: requested.every,
        masks: requested.some,
        everyPartition: containers.every,
        containers: containers.some,
      },
    },
    followsPartitions: masks.followsPartitions || requested.followsPartitions || containers.followsPartitions,
    armedBy: isArmed ? summaryOf(arming) : null,
  }
}

function summaryOf([first = '', ...others]: readonly string[]): string {
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

/** A level with a reading of its own needs no reading of processes, and only full scans count zombies. */
function maskOf(limit: LimitName, watched: Level): number {
  const index = scannedLimits.indexOf(limit as ScannedLimit)
  const reading = linuxReading(limit)
  return index < 0 || reading?.above?.[watched] !== undefined || reading?.from === 'zombies' ? 0 : 1 << index
}
