/** Creates processes, and moves them between partitions. */

import { type RlimitName, rlimitNames } from '../../kernel/limits/rlimits.ts'
import { containers } from '../../kernel/nodes/node.ts'
import type { Partition } from '../../kernel/nodes/partition.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { System } from '../../kernel/nodes/system.ts'
import { processEntered, processMoved } from '../../kernel/observations.ts'
import type { MachineCore } from '../machine-core.ts'
import { ModelProcess } from '../objects/model-process.ts'
import type { SignalSet } from '../signals.ts'
import { moveMemory, needRoomToMove } from './charging.ts'
import { applyRlimit, initialRlimits } from './rlimit-changes.ts'
import { makeThread, maskFromOutside, needRoomForFirst, type ThreadMaking } from './thread-creation.ts'

/**
 * A process to be created. Fields which are left out are taken from the parent. Without a parent they are user 0, no
 * partition, and the initial rlimits.
 */
export interface ProcessMaking {
  readonly name: string
  readonly uid?: number
  readonly parent?: ModelProcess | null
  readonly container?: Partition | System
  readonly rlimits?: Readonly<Record<RlimitName, Rlimit>>
  readonly thread?: Omit<ThreadMaking, 'detached'>
  /** Mask of the thread which creates it. */
  readonly mask?: SignalSet
}

/** @throws KernelError EAGAIN, ENOMEM or EPERM, as spawn does; then nothing has changed */
export function makeProcess(machine: MachineCore, making: ProcessMaking): ModelProcess {
  const { kernel, processes } = machine
  const { name, parent = null, thread = {} } = making
  const uid = making.uid ?? parent?.uid ?? 0
  const container = making.container ?? parent?.container ?? kernel.system
  const rlimits = making.rlimits ?? parent?.rlimits ?? initialRlimits
  needRoomForFirst(machine, { name, container, rlimits, uid, parent }, thread)
  const pid = processes.takePid()
  const process = new ModelProcess(
    {
      pid,
      identity: `model-${pid}-${processes.births}`,
      started: kernel.now,
      name,
      uid,
      parentProcess: parent,
      executable: null,
      container,
    },
    rlimits,
  )
  processEntered(kernel, process)
  machine.pools.startCounting(process)
  for (const rlimit of rlimitNames) applyRlimit(machine, process, rlimit)
  // A handler is a function of the parent's program, which the child does not run.
  for (const [signal, disposition] of parent?.dispositions ?? [])
    if (disposition === 'ignore') process.dispositions.set(signal, 'ignore')
  makeThread(machine, process, thread, making.mask ?? maskFromOutside(parent))
  return process
}

/**
 * move: moves a process to another partition.
 * @param partition pathname of a partition; /sys is none
 * @throws ENOENT no such partition; EAGAIN, EMFILE, ENOMEM or EFBIG it has no room for what the process uses
 */
export function move(machine: MachineCore, process: ModelProcess, container: Partition | System): void {
  if (process.container === container) return
  const { resident } = process
  const before = new Set(containers(process))
  const after = new Set([container, ...containers(container)])
  const entered = after.difference(before)
  needRoomToMove(machine, process, { container, entered })
  for (const node of before.difference(after)) moveMemory(machine, node, -resident)
  for (const node of entered) moveMemory(machine, node, resident)
  processMoved(machine.kernel, process, container)
}
