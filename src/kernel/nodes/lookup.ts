/** Finds nodes of a kernel by their pathnames. */

import { KernelError } from '../errno.ts'
import type { Kernel } from '../kernel.ts'
import type { Node } from './node.ts'
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
