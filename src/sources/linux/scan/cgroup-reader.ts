/** Reads partitions: the directories of the cgroup hierarchy that `/proc/P/cgroup` names. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { ProcFile, type ProcFiles } from '../native/proc-files.ts'
import type { Hierarchy } from '../parse/cgroup.ts'
import type { PartitionReading } from '../protocol.ts'
import { CgroupMaxima } from './cgroup-maxima.ts'

const partitionsMax = 10_000
// The number of links of a directory shows that subdirectories were made or removed. A change that leaves the number
// the same is found by these periodic walks.
const walkEvery = 10
// With more partitions than this, a scan reads the members of only so many, in turn.
const membersReadMax = 256
const unlimitedFrom = 2 ** 53
const noController = 'the memory controller is absent'

interface Partition {
  readonly names: readonly string[]
  readonly directory: string
  /** Two plus the number of subdirectories, at the last walk. */
  links: number
  readonly usage: ProcFile
  readonly maximum: ProcFile
  readonly maxima: CgroupMaxima
}

export interface CgroupTree {
  readonly hierarchy: Hierarchy
  /** Directory of its root; null if there is no hierarchy to walk. */
  readonly directory: string | null
  /**
   * Directories with the limits on tasks and on CPU: the same one in version 2, those of other controllers in version
   * 1.
   */
  readonly pids: string | null
  readonly cpu: string | null
}

// A version 2 hierarchy with only hugetlb, for example, holds just the controllers that version 1 left over.
function hasControllers(directory: string): boolean {
  try {
    return /\b(?:memory|pids)\b/.test(readFileSync(`${directory}/cgroup.controllers`, 'latin1'))
  } catch {
    return false
  }
}

/**
 * Version 2 if it has the memory or pids controller, else the memory hierarchy of version 1, else its pids hierarchy.
 */
export function findCgroupTree(cgroupRoot: string): CgroupTree {
  for (const directory of [cgroupRoot, `${cgroupRoot}/unified`])
    if (hasControllers(directory)) return { hierarchy: 'v2', directory, pids: directory, cpu: directory }
  const directoryNamed = (names: readonly string[]) =>
    names.map((name) => `${cgroupRoot}/${name}`).find((path) => existsSync(path)) ?? null
  const [pids, cpu] = [directoryNamed(['pids']), directoryNamed(['cpu', 'cpu,cpuacct', 'cpuacct,cpu'])]
  for (const hierarchy of ['memory', 'pids'] as const) {
    const directory = directoryNamed([hierarchy])
    if (directory !== null) return { hierarchy, directory, pids, cpu }
  }
  const directory = existsSync(`${cgroupRoot}/cgroup.procs`) ? cgroupRoot : null
  return { hierarchy: 'v2', directory, pids: directory, cpu: directory }
}

function directoriesIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
  } catch {
    return [] // removed meanwhile
  }
}

/** Zero if it was removed meanwhile. */
function linksOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.nlink ?? 0
}

export class CgroupReader {
  readonly #files: ProcFiles
  readonly #tree: CgroupTree
  #partitions: Partition[] = []
  #rootLinks = 0
  #untilWalk = 0
  #nextMember = 0

  constructor(files: ProcFiles, tree: CgroupTree) {
    this.#files = files
    this.#tree = tree
  }

  /**
   * Calls `onMember` with the pid and the partition of each member: the cheapest way to see that an idle process was
   * moved.
   */
  forEachMember(onMember: (pid: number, names: readonly string[]) => void): void {
    if (this.#tree.directory === null) return
    const places = [{ names: [], directory: this.#tree.directory }, ...this.#partitions]
    const count = Math.min(places.length, membersReadMax)
    for (let turn = 0; turn < count; turn++) {
      const { names, directory } = places[(this.#nextMember + turn) % places.length]!
      const length = this.#files.readWhole(`${directory}/cgroup.procs`)
      if (length <= 0) continue
      for (const line of this.#files.bytes.toString('latin1', 0, length - 1).split('\n')) onMember(Number(line), names)
    }
    this.#nextMember = (this.#nextMember + count) % places.length
  }

  /** Parents before children, without the root. */
  read(): PartitionReading[] {
    if (this.#untilWalk-- <= 0 || this.#hasChanged()) this.#walk()
    const readings: PartitionReading[] = []
    for (const partition of this.#partitions) {
      const memory = this.#readNumber(partition.usage)
      const maximum = this.#readNumber(partition.maximum)
      const why = memory === null ? noController : null
      const { threadsMax, cpuMax } = partition.maxima.read(this.#files)
      readings.push({ names: partition.names, memory, memoryMax: maximum, threadsMax, cpuMax, why })
    }
    return readings
  }

  /** Called when a process is in a partition that is not known yet. */
  walkSoon(): void {
    this.#untilWalk = 0
  }

  has(names: readonly string[]): boolean {
    const path = names.join('/')
    return names.length === 0 || this.#partitions.some((partition) => partition.names.join('/') === path)
  }

  #hasChanged(): boolean {
    const { directory } = this.#tree
    if (directory === null) return false
    return (
      linksOf(directory) !== this.#rootLinks ||
      this.#partitions.some((partition) => linksOf(partition.directory) !== partition.links)
    )
  }

  #walk(): void {
    this.#untilWalk = walkEvery
    this.#rootLinks = this.#tree.directory === null ? 0 : linksOf(this.#tree.directory)
    const known = new Map(this.#partitions.map((partition) => [partition.names.join('/'), partition]))
    const found: Partition[] = []
    const queue: (readonly string[])[] = this.#tree.directory === null ? [] : [[]]
    for (const names of queue) {
      for (const name of directoriesIn([this.#tree.directory, ...names].join('/'))) {
        if (found.length === partitionsMax) break
        const inner = [...names, name]
        const path = inner.join('/')
        const partition = known.get(path) ?? this.#partitionOf(inner)
        partition.links = linksOf(partition.directory)
        found.push(partition)
        known.delete(path)
        queue.push(inner)
      }
    }
    for (const { usage, maximum, maxima } of known.values()) {
      this.#files.release(usage)
      this.#files.release(maximum)
      maxima.release(this.#files)
    }
    this.#partitions = found
  }

  #partitionOf(names: readonly string[]): Partition {
    const path = [this.#tree.directory, ...names].join('/')
    const [usage, maximum] =
      this.#tree.hierarchy === 'v2'
        ? ['memory.current', 'memory.max']
        : ['memory.usage_in_bytes', 'memory.limit_in_bytes']
    const files = { usage: new ProcFile(`${path}/${usage}`), maximum: new ProcFile(`${path}/${maximum}`) }
    return { names, directory: path, links: 0, ...files, maxima: new CgroupMaxima(this.#tree, names) }
  }

  #readNumber(file: ProcFile): number | null {
    const length = this.#files.read(file, false, 2)
    if (length <= 0) return null
    const number = Number.parseInt(this.#files.bytes.toString('latin1', 0, length), 10)
    return Number.isNaN(number) || number >= unlimitedFrom ? null : number
  }
}
