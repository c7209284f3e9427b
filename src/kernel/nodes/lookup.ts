/** Finds nodes of a kernel by their pathnames. */

import { KernelError } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Node } from './node.ts'
import { isAbsent, Partition } from './partition.ts'
import type { System } from './system.ts'
import { partitionsWithin } from './within.ts'

/** The system and its partitions, by pathname. */
export function containersOf({ system }: Kernel): ReadonlyMap<string, Node> {
  return new Map<string, Node>([system, ...partitionsWithin(system)].map((node) => [node.path, node]))
}

/** @throws ESRCH no such process or thread; EINVAL no such partition */
export function nodeAt(kernel: Kernel, containers: ReadonlyMap<string, Node>, path: string): Node {
  const [, pid, tid] = /^\/sys\/proc\/(\d+)(?:\/thread\/(\d+))?$/.exec(path) ?? []
  if (tid !== undefined) return kernel.thread(Number(pid), Number(tid))
  if (pid !== undefined) return kernel.process(Number(pid))
  const container = containers.get(path)
  if (container === undefined) throw new KernelError('EINVAL', 'it names what is not in the state')
  return container
}

/** The partition of that pathname as it would be if it were there. Null if it is there or if none can be. */
export function absentPartition({ system }: Pick<Kernel, 'system'>, path: string): Partition | null {
  if (!/^\/sys(\/part\/[^/]+)+$/.test(path)) return null
  let at: System | Partition = system
  for (const segment of path.split('/').filter((_, place) => place > 2 && place % 2 === 1)) {
    const name = decoded(segment)
    if (name === null) return null
    const below: Partition | undefined = at.partitions.get(name)
    at = below ?? new Partition(name, at)
  }
  return at.level === 'partition' && isAbsent(at) && at.path === path ? at : null
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) return null
    throw error
  }
}
