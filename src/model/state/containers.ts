/** Saves and restores the system and its partitions, with their members. */

import { KernelError } from '../../kernel/errno.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { Partition } from '../../kernel/nodes/partition.ts'
import type { System } from '../../kernel/nodes/system.ts'
import type { Machine } from '../machine.ts'
import { exportNode, importNode, type NodeState } from './nodes.ts'
import { atEach, there } from './references.ts'
import type { Thresholds } from './thresholds.ts'

export interface ContainerState extends NodeState {
  /** Pids of the processes directly in it. */
  readonly members: readonly number[]
  readonly partitions: readonly PartitionState[]
}

export interface PartitionState extends ContainerState {
  readonly name: string
}

export function exportContainer(kernel: Kernel, container: System | Partition): ContainerState {
  return {
    members: [...container.members].map(({ pid }) => pid),
    partitions: [...container.partitions.values()].map((partition) => ({
      name: partition.name,
      ...exportContainer(kernel, partition),
    })),
    ...exportNode(kernel, container),
  }
}

/** Creates the partitions. @returns the container of each pid */
export function importPartitions(
  kernel: Kernel,
  container: System | Partition,
  { members, partitions }: ContainerState,
  containers = new Map<number, System | Partition>(),
): Map<number, System | Partition> {
  for (const pid of members) {
    if (containers.has(pid)) throw new KernelError('EINVAL', `process ${pid} is a member twice`, { field: 'members' })
    containers.set(pid, container)
  }
  atEach('partitions', partitions, (state) => {
    if (container.partitions.has(state.name))
      throw new KernelError('EINVAL', `${container.path} has partition ${state.name} twice`, { field: 'name' })
    const partition = new Partition(state.name, container)
    container.partitions.set(state.name, partition)
    kernel.admit(partition)
    importPartitions(kernel, partition, state, containers)
  })
  return containers
}

/** Preconditions: all processes are restored. */
export function importMembers(machine: Machine, container: System | Partition, state: ContainerState): void {
  atEach('members', state.members, (pid) => container.members.add(machine.processes.get(pid)))
  atEach('partitions', pairs(container, state), ([partition, below]) => importMembers(machine, partition, below))
}

/** Restores counters and watches of a container and of the partitions below it. */
export function importContainerNodes(
  kernel: Kernel,
  container: System | Partition,
  state: ContainerState,
  thresholds: Thresholds,
): void {
  importNode(kernel, container, state, thresholds)
  atEach('partitions', pairs(container, state), ([partition, below]) =>
    importContainerNodes(kernel, partition, below, thresholds),
  )
}

function pairs({ partitions }: System | Partition, state: ContainerState) {
  return state.partitions.map((below) => [there(partitions.get(below.name)), below] as const)
}
