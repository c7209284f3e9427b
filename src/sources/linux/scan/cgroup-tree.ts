/** Finds the cgroup hierarchy that partitions are taken from, and lists the cgroups in it. */

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { textOfBytes } from '../parse/byte-text.ts'
import type { Hierarchy } from '../parse/cgroup.ts'

/** Pathname of a file or directory. A `Buffer` if it is not valid UTF-8. */
export type PathBytes = string | Buffer

export interface CgroupTree {
  readonly hierarchy: Hierarchy
  /** Directory of its root; null if there is no hierarchy to walk. */
  readonly directory: string | null
  /**
   * Directories with the limits on tasks, on CPU time and on the choice of CPUs: the same one in version 2, those of
   * other controllers in version 1.
   */
  readonly pids: string | null
  readonly cpu: string | null
  readonly cpuset: string | null
  /** Directory of the hierarchy of version 2, which alone has pressure stall information. */
  readonly pressure: string | null
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
    if (hasControllers(directory)) return allInOne(directory)
  const directoryNamed = (names: readonly string[]) =>
    names.map((name) => `${cgroupRoot}/${name}`).find((path) => existsSync(path)) ?? null
  const others = {
    pids: directoryNamed(['pids']),
    cpu: directoryNamed(['cpu', 'cpu,cpuacct', 'cpuacct,cpu']),
    cpuset: directoryNamed(['cpuset']),
    pressure: [`${cgroupRoot}/unified`].find((path) => existsSync(`${path}/cgroup.procs`)) ?? null,
  }
  for (const hierarchy of ['memory', 'pids'] as const) {
    const directory = directoryNamed([hierarchy])
    if (directory !== null) return { hierarchy, directory, ...others }
  }
  return allInOne(existsSync(`${cgroupRoot}/cgroup.procs`) ? cgroupRoot : null)
}

function allInOne(directory: string | null): CgroupTree {
  return { hierarchy: 'v2', directory, pids: directory, cpu: directory, cpuset: directory, pressure: directory }
}

export function joinPath(directory: PathBytes, name: PathBytes): PathBytes {
  if (typeof directory === 'string' && typeof name === 'string') return `${directory}/${name}`
  return Buffer.concat([Buffer.from(directory), Buffer.from('/'), Buffer.from(name)])
}

export interface Subdirectory {
  /** The name as text: invalid bytes are escaped, as in the text of `/proc/P/cgroup`. */
  readonly text: string
  readonly name: PathBytes
}

export function directoriesIn(path: PathBytes): Subdirectory[] {
  try {
    return readdirSync(path, { withFileTypes: true, encoding: 'buffer' })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => {
        const text = textOfBytes(name)
        return { text, name: Buffer.from(text).equals(name) ? text : name }
      })
  } catch {
    return [] // removed meanwhile
  }
}

/** The state of a directory by which a change of it is noticed. */
export interface DirectoryMark {
  /** Another number under the same name: the cgroup was removed and made again. 0 if there is none. */
  readonly inode: number
  /** Two plus the number of subdirectories. */
  readonly links: number
}

const noDirectory: DirectoryMark = { inode: 0, links: 0 }

export function markOf(path: PathBytes): DirectoryMark {
  try {
    const status = statSync(path, { throwIfNoEntry: false })
    return status === undefined ? noDirectory : { inode: status.ino, links: status.nlink }
  } catch {
    return noDirectory
  }
}
