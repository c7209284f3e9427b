/** Reads partitions: the directories of the cgroup hierarchy that `/proc/P/cgroup` names. */

import type { MaximaSources, PartitionReading } from '../container-readings.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { type CgroupPlaces, type MemoryUsage, placesBelow, rootPlaces } from './cgroup-files.ts'
import { type CgroupState, type Controller, partitionAt, resources } from './cgroup-state.ts'
import { type CgroupTree, directoriesIn, joinPath, markOf } from './cgroup-tree.ts'
import type { Degrading } from './degrading.ts'

const partitionsMax = 10_000
// The number of links of a directory shows that subdirectories were made or removed. A change that leaves the number
// the same is found by these periodic walks.
const walkEvery = 10
// With more partitions than this, a scan reads the members of only so many, in turn.
const membersReadMax = 256

/** A partition that was found, with the places of its files. */
export interface KnownPartition {
  readonly names: readonly string[]
  /** Its names with a slash between them. */
  readonly key: string
  readonly places: CgroupPlaces
  /** Whether the cgroup with the files of pressure has the same processes. */
  readonly hasPressure: () => boolean
}

export interface CgroupOptions {
  /** Largest number of partitions. */
  readonly max?: number
  readonly degrading?: Degrading
}

export class CgroupReader {
  readonly #files: ProcFiles
  readonly #tree: CgroupTree
  /** Null if there is no hierarchy. It is in no report unless it has a maximum, as in a container. */
  readonly #root: CgroupState | null
  readonly #max: number
  readonly #degrading: Degrading | null
  #partitions: CgroupState[] = []
  #paths: ReadonlySet<string> = new Set()
  #untilWalk = 0
  #nextMember = 0

  constructor(files: ProcFiles, tree: CgroupTree, { max = partitionsMax, degrading }: CgroupOptions = {}) {
    this.#files = files
    this.#max = max
    this.#degrading = degrading ?? null
    this.#tree = tree
    const places = rootPlaces(tree)
    this.#root = places && partitionAt(tree, places, [], null)
  }

  /**
   * Calls `onMember` with the pid and the partition of each member: the cheapest way to see that an idle process was
   * moved.
   */
  forEachMember(onMember: (pid: number, names: readonly string[]) => void): void {
    if (this.#root === null) return
    const all = [this.#root, ...this.#partitions]
    const count = Math.min(all.length, membersReadMax)
    for (let turn = 0; turn < count; turn++) {
      const { names, places } = all[(this.#nextMember + turn) % all.length]!
      const length = this.#files.readWhole(joinPath(places.directory, 'cgroup.procs'))
      if (length <= 0) continue
      for (const line of this.#files.bytes.toString('latin1', 0, length - 1).split('\n')) onMember(Number(line), names)
    }
    this.#nextMember = (this.#nextMember + count) % all.length
  }

  /** Parents before children. The root is first, if it has a maximum. */
  read(): PartitionReading[] {
    if (this.#root === null) return []
    const isTurn = this.#untilWalk-- <= 0 || this.#hasChanged()
    if (isTurn) this.#walk(this.#root)
    const readings = this.#readRoot(this.#root, isTurn)
    for (const partition of this.#partitions) {
      this.#readMaxima(partition)
      const before = partition.memory.used
      this.#readMemory(partition, isTurn)
      // A process that is killed gives memory back.
      if (isTurn || partition.memory.used !== before) this.#readOomKills(partition)
    }
    // Parents are reported before the cgroups below them, whose kills they include.
    for (const partition of this.#partitions) {
      const reading = this.#readingOf(partition)
      if (!partition.files.takeLoss() || this.#isThere(partition)) readings.push(reading)
    }
    return readings
  }

  /** The root has maxima in a container only, so they are looked for in turn. */
  #readRoot(root: CgroupState, isTurn: boolean): PartitionReading[] {
    if (isTurn) this.#readMaxima(root)
    if (resources.every((resource) => root.path[resource] === Number.POSITIVE_INFINITY)) return []
    this.#readMemory(root, isTurn)
    return [this.#readingOf(root)]
  }

  *known(): Iterable<KnownPartition> {
    for (const partition of this.#partitions) {
      const { names, places } = partition
      yield { names, key: names.join('/'), places, hasPressure: () => this.#isSamePartition(partition, 'pressure') }
    }
  }

  /** Called for the partition of a process. Beyond the largest number, none would be found. */
  expect(names: readonly string[]): void {
    if (names.length > 0 && this.#paths.size < this.#max && !this.#paths.has(names.join('/'))) this.#walkSoon()
  }

  #walkSoon(): void {
    this.#untilWalk = 0
  }

  /** Whether this very cgroup still exists. Another one of its name is read in the next scan. */
  #isThere({ places, mark }: CgroupState): boolean {
    const isThere = markOf(places.directory).inode === mark.inode
    if (!isThere) this.#walkSoon()
    return isThere
  }

  /** In version 1 a count does not include the cgroups below, so they are added. */
  #readOomKills(partition: CgroupState): void {
    const here = partition.files.readOomKills(this.#files)
    const before = partition.oomKills
    if (here === null || here === before?.here) return
    const delta = here - (before?.here ?? 0)
    partition.oomKills = { here, total: (before?.total ?? 0) + delta }
    if (this.#tree.hierarchy === 'v2') return
    for (let above = partition.parent; above !== null; above = above.parent)
      if (above.oomKills !== null) above.oomKills = { ...above.oomKills, total: above.oomKills.total + delta }
  }

  /** A set of CPUs is a maximum if it is smaller than the set around it. Sets change seldom, so a walk reads them. */
  #readCpus(partition: CgroupState): void {
    const around = partition.parent?.cpus ?? null
    const cpus = partition.files.readCpus(this.#files) ?? around
    partition.cpus = cpus
    partition.own.cpuset = cpus !== null && around !== null && cpus < around ? cpus * 1000 : Number.POSITIVE_INFINITY
  }

  #readMaxima({ files, own, path, parent, names }: CgroupState): void {
    files.readMaxima(this.#files, own)
    for (const resource of resources) {
      const above = parent === null ? Number.POSITIVE_INFINITY : parent.path[resource]
      // NaN, an unknown maximum, makes the least of them unknown.
      path[resource] = Math.min(own[resource], above)
      path.from[resource] = parent === null || own[resource] < above ? names.length : parent.path.from[resource]
    }
  }

  #readMemory(partition: CgroupState, isTurn: boolean): void {
    const { files, own, path, parent } = partition
    const isBound = path.memory !== Number.POSITIVE_INFINITY
    partition.memory = files.readMemory(this.#files, { isTurn, isBound, maximum: own.memory })
    const free = own.memory === Number.POSITIVE_INFINITY ? own.memory : freeOf(own.memory, partition.memory)
    path.memoryFree = parent === null ? free : Math.min(free, parent.path.memoryFree)
  }

  #readingOf(partition: CgroupState): PartitionReading {
    const { names, path, oomKills } = partition
    const { used, reclaimable, why } = partition.memory
    const { memory, threads } = path
    const byTime = this.#isBound(partition, path.cpu, 'cpu') ? path.cpu : null
    const bySet = this.#isBound(partition, path.cpuset, 'cpuset') ? path.cpuset : null
    // An unknown maximum of time is not above that of the set.
    const isSetLess = bySet !== null && (byTime === null || bySet < byTime)
    const cpuMax = isSetLess ? bySet : byTime
    const cpuFrom = isSetLess ? path.from.cpuset : path.from.cpu
    const sources: MaximaSources = { memory: path.from.memory, threads: path.from.threads, cpu: cpuFrom }
    return {
      names,
      memory: used,
      reclaimable: used === null ? null : reclaimable,
      memoryMax: memory === Number.POSITIVE_INFINITY ? null : memory,
      memoryFree: Number.isFinite(path.memoryFree) ? path.memoryFree : null,
      threadsMax: this.#isBound(partition, threads, 'pids') ? threads : null,
      cpuMax,
      sources,
      oomKills,
      inode: partition.mark.inode,
      why,
    }
  }

  /** Whether the maximum is one, and is that of the same processes. */
  #isBound(partition: CgroupState, maximum: number, controller: Controller): boolean {
    return maximum !== Number.POSITIVE_INFINITY && this.#isSamePartition(partition, controller)
  }

  /**
   * In version 1 each controller has its own hierarchy. A path there is the same partition if it has the same
   * processes. Lists of members are long, so a comparison holds until the next walk.
   */
  #isSamePartition({ names, places, isSame }: CgroupState, controller: Controller): boolean {
    if (names.length === 0 || isSame[controller] || this.#tree[controller] === this.#tree.directory) return true
    const members = (directory: CgroupPlaces[keyof CgroupPlaces]) => {
      const length = directory === null ? -1 : this.#files.readWhole(joinPath(directory, 'cgroup.procs'))
      return length < 0 ? null : this.#files.bytes.toString('latin1', 0, length)
    }
    isSame[controller] = members(places.directory) === members(places[controller])
    return isSame[controller]
  }

  #hasChanged(): boolean {
    return this.#root !== null && (hasChanged(this.#root) || this.#partitions.some(hasChanged))
  }

  #walk(root: CgroupState): void {
    this.#untilWalk = walkEvery
    root.mark = markOf(root.places.directory)
    root.cpus = root.files.readCpus(this.#files)
    const known = new Map(this.#partitions.map((partition) => [partition.names.join('/'), partition]))
    const found = new Map<string, CgroupState>()
    const queue = [root]
    for (const parent of queue) {
      for (const { text, name } of directoriesIn(parent.places.directory)) {
        const names = [...parent.names, text]
        const path = names.join('/')
        // The text of invalid bytes may also be the name of another directory.
        if (found.size === this.#max || found.has(path)) continue
        const places = placesBelow(parent.places, name)
        const mark = markOf(places.directory)
        const former = known.get(path)
        const isFormer = former?.mark.inode === mark.inode && former.parent === parent
        const partition = isFormer ? former : partitionAt(this.#tree, places, names, parent)
        partition.mark = mark
        partition.isSame.pids = false
        partition.isSame.cpu = false
        partition.isSame.cpuset = false
        partition.isSame.pressure = false
        this.#readCpus(partition)
        if (isFormer) known.delete(path)
        found.set(path, partition)
        queue.push(partition)
      }
    }
    for (const { files } of known.values()) files.release(this.#files)
    this.#partitions = [...found.values()]
    this.#paths = new Set(found.keys())
    if (found.size === this.#max)
      this.#degrading?.degraded('partitions', `there are ${this.#max} partitions or more: no others are read`)
    else this.#degrading?.recovered('partitions')
  }
}

function hasChanged({ places, mark }: CgroupState): boolean {
  const { inode, links } = markOf(places.directory)
  return inode !== mark.inode || links !== mark.links
}

/** Memory below a maximum that is not used, or that the kernel would take back. NaN if it is not known. */
function freeOf(maximum: number, { used, reclaimable }: MemoryUsage): number {
  return used === null ? Number.NaN : Math.max(0, maximum - (used - reclaimable))
}
