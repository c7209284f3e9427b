/**
 * Reads the limits on demand of the machine and of partitions: pressure stall information, and the swap of a cgroup.
 * Only those that are wanted have a file open.
 */

import type { LimitName } from '../../../kernel/limits/table.ts'
import type { DemandedReading } from '../container-readings.ts'
import { containerBit, containerLimits } from '../linux-limits.ts'
import { nameOfErrno } from '../native/libc.ts'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import { parsePressure } from '../parse/activity.ts'
import { parseMaximum, parseTotalSwap } from '../parse/cgroup-files.ts'
import { unknownForm } from '../reasons.ts'
import { Rate } from '../tracked/rate.ts'
import { isRemoved } from './cgroup-files.ts'
import type { CgroupReader, KnownPartition } from './cgroup-reader.ts'
import { type CgroupTree, joinPath } from './cgroup-tree.ts'
import type { ScanPlan } from './scan-plan.ts'

/** The file of one limit at one container, while it is wanted. */
interface Demand {
  readonly file: ProcFile
  readonly total: Rate
  lastReadPass: number
}

const pressureFiles: Partial<Record<LimitName, string>> = {
  'pressure-cpu': 'cpu',
  'pressure-memory': 'memory',
  'pressure-io': 'io',
}
const noPressure = 'the kernel collects no pressure stall information here'
const otherHierarchy = 'no hierarchy of version 2 has a cgroup with the same processes'
const noSwapCount = 'the kernel does not count the swap of this cgroup'

export interface ContainerDemandsParts {
  readonly procRoot: string
  readonly tree: CgroupTree
}

export class ContainerDemands {
  readonly #files: ProcFiles
  readonly #parts: ContainerDemandsParts
  readonly #demands = new Map<string, Demand>()
  #pass = 0

  constructor(files: ProcFiles, parts: ContainerDemandsParts) {
    this.#files = files
    this.#parts = parts
  }

  read(
    { containers, everyPartition }: Pick<ScanPlan, 'containers' | 'everyPartition'>,
    cgroups: Pick<CgroupReader, 'known'>,
    bootMs: number,
  ): readonly DemandedReading[] {
    if (containers.size === 0 && everyPartition === 0) {
      if (this.#demands.size > 0) this.#endUnread()
      return []
    }
    this.#pass++
    const readings: DemandedReading[] = []
    this.#readSystem(containers.get('') ?? 0, bootMs, readings)
    for (const partition of cgroups.known()) {
      const mask = (containers.get(partition.key) ?? 0) | everyPartition
      if (mask !== 0) this.#readPartition(partition, mask, bootMs, readings)
    }
    this.#endUnread()
    return readings
  }

  #endUnread(): void {
    for (const [key, { file, lastReadPass }] of this.#demands) {
      if (lastReadPass === this.#pass && this.#pass > 0) continue
      this.#files.release(file)
      this.#demands.delete(key)
    }
    this.#pass++
  }

  #readSystem(mask: number, bootMs: number, into: DemandedReading[]): void {
    for (const limit of containerLimits) {
      const name = pressureFiles[limit]
      if ((mask & containerBit(limit)) === 0 || name === undefined) continue
      const demand = this.#demandAt(`${this.#parts.procRoot}/pressure/${name}`)
      const reading = this.#readPressure(demand, bootMs)
      if (reading !== null) into.push({ names: [], limit, ...reading })
    }
  }

  #readPartition(partition: KnownPartition, mask: number, bootMs: number, into: DemandedReading[]): void {
    for (const limit of containerLimits) {
      if ((mask & containerBit(limit)) === 0) continue
      const name = pressureFiles[limit]
      const reading = name === undefined ? this.#readSwap(partition) : this.#pressureOf(partition, name, bootMs)
      if (reading !== null) into.push({ names: partition.names, limit, ...reading })
    }
  }

  #pressureOf({ places, hasPressure }: KnownPartition, name: string, bootMs: number) {
    if (places.pressure === null || !hasPressure()) return { value: null, why: otherHierarchy }
    return this.#readPressure(this.#demandAt(joinPath(places.pressure, `${name}.pressure`)), bootMs)
  }

  #demandAt(path: string | Buffer): Demand {
    const key = path.toString('latin1')
    const demand = this.#demands.get(key) ?? { file: new ProcFile(path), total: new Rate(), lastReadPass: 0 }
    demand.lastReadPass = this.#pass
    this.#demands.set(key, demand)
    return demand
  }

  /** Null if there are no readings of a second yet. */
  #readPressure({ file, total }: Demand, bootMs: number): Pick<DemandedReading, 'value' | 'why'> | null {
    const length = this.#read(file)
    const us = length <= 0 ? null : parsePressure(this.#files.bytes.toString('latin1', 0, length))
    if (us === null) {
      total.forget()
      return { value: null, why: isRemoved(length) ? noPressure : length < 0 ? nameOfErrno(-length) : unknownForm }
    }
    total.note(bootMs, us)
    const usPerSecond = total.perSecond(bootMs)
    // The kernel adds up a wait that goes on only now and then, so a second may have more than its own.
    return usPerSecond === null ? null : { value: Math.min(1000, Math.round(usPerSecond / 1000)), why: null }
  }

  #readSwap({ places }: KnownPartition): Pick<DemandedReading, 'value' | 'why'> {
    const isV2 = this.#parts.tree.hierarchy === 'v2'
    const { file } = this.#demandAt(joinPath(places.directory, isV2 ? 'memory.swap.current' : 'memory.stat'))
    const length = this.#read(file)
    if (length <= 0) return { value: null, why: noSwapCount }
    const bytes = isV2
      ? parseMaximum(this.#files.bytes, length)
      : parseTotalSwap(this.#files.bytes.toString('latin1', 0, length))
    return Number.isSafeInteger(bytes) ? { value: bytes, why: null } : { value: null, why: noSwapCount }
  }

  /** If an open file fails, its cgroup was removed, and another one may have the name by now. */
  #read(file: ProcFile): number {
    const wasOpen = file.fd >= 0
    const length = this.#files.read(file)
    return length < 0 && wasOpen ? this.#files.read(file) : length
  }
}
