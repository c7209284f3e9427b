/** Holds the facts about one partition that the cgroup reader carries from one scan to the next. */

import { CgroupFiles, type CgroupPlaces, type Maxima, type MemoryUsage } from './cgroup-files.ts'
import { type CgroupTree, type DirectoryMark, markOf } from './cgroup-tree.ts'

/** The least of the maxima on the path of a cgroup. */
export interface PathMaxima extends Maxima {
  /** For each, the depth of the cgroup that sets it. */
  readonly from: Record<Resource, number>
  /** Memory that it could still take. Infinity: no maximum is set. NaN: it is not known. */
  memoryFree: number
}

export interface CgroupState {
  readonly names: readonly string[]
  readonly places: CgroupPlaces
  readonly parent: CgroupState | null
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

export type Resource = keyof Maxima
export type Controller = 'pids' | 'cpu' | 'cpuset' | 'pressure'
export const resources: readonly Resource[] = ['memory', 'threads', 'cpu', 'cpuset']

export function partitionAt(
  tree: CgroupTree,
  places: CgroupPlaces,
  names: readonly string[],
  parent: CgroupState | null,
): CgroupState {
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
    isSame: { pids: false, cpu: false, cpuset: false, pressure: false },
    cpus: null,
  }
}

function noSources(): Record<Resource, number> {
  return { memory: 0, threads: 0, cpu: 0, cpuset: 0 }
}
