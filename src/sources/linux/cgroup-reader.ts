/** Reads partitions: the directories of the cgroup hierarchy that processes are told to lie in. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { KeptFile, type KeptFiles } from './kept-files.ts'
import type { Hierarchy } from './parse-cgroup.ts'
import type { PartitionReading } from './protocol.ts'

const partitionsMax = 10_000
// Directories seldom change; between two walks only their figures are read.
const walkEvery = 10
const unlimitedFrom = 2 ** 53
const noController = 'the memory controller is not there'

interface Partition {
  readonly names: readonly string[]
  readonly usage: KeptFile
  readonly maximum: KeptFile
}

export interface CgroupTree {
  readonly hierarchy: Hierarchy
  /** The directory of its root; null where there is no hierarchy to walk. */
  readonly directory: string | null
}

// A version 2 hierarchy that has but hugetlb, say, is only the remainder of what version 1 took.
const hasControllers = (directory: string): boolean => {
  try {
    return /\b(?:memory|pids)\b/.test(readFileSync(`${directory}/cgroup.controllers`, 'latin1'))
  } catch {
    return false
  }
}

/** Version 2 where it has the controllers that count, else the memory hierarchy of version 1, else that of pids. */
export const findCgroupTree = (cgroupRoot: string): CgroupTree => {
  for (const directory of [cgroupRoot, `${cgroupRoot}/unified`])
    if (hasControllers(directory)) return { hierarchy: 'v2', directory }
  for (const hierarchy of ['memory', 'pids'] as const)
    if (existsSync(`${cgroupRoot}/${hierarchy}`)) return { hierarchy, directory: `${cgroupRoot}/${hierarchy}` }
  return { hierarchy: 'v2', directory: existsSync(`${cgroupRoot}/cgroup.procs`) ? cgroupRoot : null }
}

const directoriesIn = (path: string): string[] => {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return [] // removed meanwhile
  }
}

export class CgroupReader {
  private readonly files: KeptFiles
  private readonly tree: CgroupTree
  private partitions: Partition[] = []
  private untilWalk = 0

  constructor(files: KeptFiles, tree: CgroupTree) {
    this.files = files
    this.tree = tree
  }

  /** Parents before children; the root is not among them. */
  read(): PartitionReading[] {
    if (this.untilWalk-- <= 0) this.walk()
    const readings: PartitionReading[] = []
    for (const partition of this.partitions) {
      const memory = this.readNumber(partition.usage)
      const maximum = this.readNumber(partition.maximum)
      const why = memory === null ? noController : null
      readings.push({ names: partition.names, memory, memoryMax: maximum, why })
    }
    return readings
  }

  /** A process was found in a partition that is not known yet. */
  walkSoon(): void {
    this.untilWalk = 0
  }

  has(names: readonly string[]): boolean {
    const path = names.join('/')
    return names.length === 0 || this.partitions.some((partition) => partition.names.join('/') === path)
  }

  private walk(): void {
    this.untilWalk = walkEvery
    const former = new Map(this.partitions.map((partition) => [partition.names.join('/'), partition]))
    const found: Partition[] = []
    const queue: (readonly string[])[] = this.tree.directory === null ? [] : [[]]
    for (const names of queue) {
      for (const name of directoriesIn([this.tree.directory, ...names].join('/'))) {
        if (found.length === partitionsMax) break
        const inner = [...names, name]
        const path = inner.join('/')
        found.push(former.get(path) ?? this.partitionOf(inner))
        former.delete(path)
        queue.push(inner)
      }
    }
    for (const { usage, maximum } of former.values()) {
      this.files.forget(usage)
      this.files.forget(maximum)
    }
    this.partitions = found
  }

  private partitionOf(names: readonly string[]): Partition {
    const path = [this.tree.directory, ...names].join('/')
    const [usage, maximum] =
      this.tree.hierarchy === 'v2'
        ? ['memory.current', 'memory.max']
        : ['memory.usage_in_bytes', 'memory.limit_in_bytes']
    return { names, usage: new KeptFile(`${path}/${usage}`), maximum: new KeptFile(`${path}/${maximum}`) }
  }

  private readNumber(file: KeptFile): number | null {
    const length = this.files.read(file, false, 2)
    if (length <= 0) return null
    const number = Number.parseInt(this.files.bytes.toString('latin1', 0, length), 10)
    return Number.isNaN(number) || number >= unlimitedFrom ? null : number
  }
}
