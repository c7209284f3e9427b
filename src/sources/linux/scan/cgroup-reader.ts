/** Reads partitions: the directories of the cgroup hierarchy that `/proc/P/cgroup` names. */

import type { ProcFiles } from '../native/proc-files.ts'
import type { MaximaSources, PartitionReading } from '../protocol.ts'
import {
  CgroupFiles,
  type CgroupPlaces,
  type Maxima,
  type MemoryUsage,
  placesBelow,
  rootPlaces,
} from './cgroup-files.ts'
import { type CgroupTree, type DirectoryMark, directoriesIn, joinPath, markOf } from './cgroup-tree.ts'
import type { Degrading } from './degrading.ts'

const partitionsMax = 10_000
// The number of links of a directory shows that subdirectories were made or removed. A change that leaves the number
// the same is found by these periodic walks.
const walkEvery = 10
// With more partitions than this, a scan reads the members of only so many, in turn.
const membersReadMax = 256

/** The least of the maxima on the path of a cgroup. */
interface PathMaxima extends Maxima {
  /** For each, the depth of the cgroup that sets it. */
  readonly from: Record<Resource, number>
  /** Memory that it could still take. Infinity: no maximum is set. NaN: it is not known. */
  memoryFree: number
}

interface Partition {
  readonly names: readonly string[]
  readonly places: CgroupPlaces
  readonly parent: Partition | null
  mark: DirectoryMark
  readonly files: CgroupFiles
  readonly own: Maxima
  readonly path: PathMaxima
  memory: MemoryUsage
  /** Null before the first reading, or if there is no count. */
  oomKills: { here: number; total: number } | null
  /** Whether the hierarchy of a controller was found to have the same processes here, since the last walk. */
  readonly isSame: Record<Controller, boolean>
  /** Number of CPUs that it may use, at the last walk; null if it is not known. */
  cpus: number | null
}

type Resource = keyof Maxima
type Controller = 'pids' | 'cpu' | 'cpuset'
const resources: readonly Resource[] = ['memory', 'threads', 'cpu', 'cpuset']

export interface CgroupOptions {
  /** Largest number of partitions. */
  readonly max?: number
  readonly degrading?: Degrading
}

export class CgroupReader {
  readonly #files: ProcFiles
  readonly #tree: CgroupTree
  /** Null if there is no hierarchy. It is in no report unless it has a maximum, as in a container. */
  readonly #root: Partition | null
  readonly #max: number
  readonly #degrading: Degrading | null
  #partitions: Partition[] = []
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
  #readRoot(root: Partition, isTurn: boolean): PartitionReading[] {
    if (isTurn) this.#readMaxima(root)
    if (resources.every((resource) => root.path[resource] === Number.POSITIVE_INFINITY)) return []
    this.#readMemory(root, isTurn)
    return [this.#readingOf(root)]
  }

  /** Called for the partition of a process. Beyond the largest number, none would be found. */
  expect(names: readonly string[]): void {
    if (names.length > 0 && this.#paths.size < this.#max && !this.#paths.has(names.join('/'))) this.#walkSoon()
  }

  #walkSoon(): void {
    this.#untilWalk = 0
  }

  /** Whether this very cgroup still exists. Another one of its name is read in the next scan. */
  #isThere({ places, mark }: Partition): boolean {
    const isThere = markOf(places.directory).inode === mark.inode
    if (!isThere) this.#walkSoon()
    return isThere
  }

  /** In version 1 a count does not include the cgroups below, so they are added. */
  #readOomKills(partition: Partition): void {
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
  #readCpus(partition: Partition): void {
    const around = partition.parent?.cpus ?? null
    const cpus = partition.files.readCpus(this.#files) ?? around
    partition.cpus = cpus
    partition.own.cpuset = cpus !== null && around !== null && cpus < around ? cpus * 1000 : Number.POSITIVE_INFINITY
  }

  #readMaxima({ files, own, path, parent, names }: Partition): void {
    files.readMaxima(this.#files, own)
    for (const resource of resources) {
      const above = parent === null ? Number.POSITIVE_INFINITY : parent.path[resource]
      // NaN, an unknown maximum, makes the least of them unknown.
      path[resource] = Math.min(own[resource], above)
      path.from[resource] = parent === null || own[resource] < above ? names.length : parent.path.from[resource]
    }
  }

  #readMemory(partition: Partition, isTurn: boolean): void {
    const { files, own, path, parent } = partition
    const isBound = path.memory !== Number.POSITIVE_INFINITY
    partition.memory = files.readMemory(this.#files, { isTurn, isBound, maximum: own.memory })
    const free = own.memory === Number.POSITIVE_INFINITY ? own.memory : freeOf(own.memory, partition.memory)
    path.memoryFree = parent === null ? free : Math.min(free, parent.path.memoryFree)
  }

  #readingOf(partition: Partition): PartitionReading {
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
      why,
    }
  }

  /** Whether the maximum is one, and is that of the same processes. */
  #isBound(partition: Partition, maximum: number, controller: Controller): boolean {
    return maximum !== Number.POSITIVE_INFINITY && this.#isSamePartition(partition, controller)
  }

  /**
   * In version 1 each controller has its own hierarchy. A path there is the same partition if it has the same
   * processes. Lists of members are long, so a comparison holds until the next walk.
   */
  #isSamePartition({ names, places, isSame }: Partition, controller: Controller): boolean {
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

  #walk(root: Partition): void {
    this.#untilWalk = walkEvery
    root.mark = markOf(root.places.directory)
    root.cpus = root.files.readCpus(this.#files)
    const known = new Map(this.#partitions.map((partition) => [partition.names.join('/'), partition]))
    const found = new Map<string, Partition>()
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

function partitionAt(
  tree: CgroupTree,
  places: CgroupPlaces,
  names: readonly string[],
  parent: Partition | null,
): Partition {
  const none = Number.POSITIVE_INFINITY
  return {
    names,
    places,
    parent,
    mark: markOf(places.directory),
    files: new CgroupFiles(tree, places),
    own: { memory: none, threads: none, cpu: none, cpuset: none },
    path: { memory: none, threads: none, cpu: none, cpuset: none, memoryFree: none, from: noSources() },
    memory: { used: null, reclaimable: 0, why: null },
    oomKills: null,
    isSame: { pids: false, cpu: false, cpuset: false },
    cpus: null,
  }
}

function noSources(): Record<Resource, number> {
  return { memory: 0, threads: 0, cpu: 0, cpuset: 0 }
}

function hasChanged({ places, mark }: Partition): boolean {
  const { inode, links } = markOf(places.directory)
  return inode !== mark.inode || links !== mark.links
}

/** Memory below a maximum that is not used, or that the kernel would take back. NaN if it is not known. */
function freeOf(maximum: number, { used, reclaimable }: MemoryUsage): number {
  return used === null ? Number.NaN : Math.max(0, maximum - (used - reclaimable))
}
