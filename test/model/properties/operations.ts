/** Operations on a machine as data, so that a recorded sequence can be repeated. */

import type { RlimitChange } from '../../../src/kernel/actions.ts'
import { KernelError } from '../../../src/kernel/errno.ts'
import { limitAt } from '../../../src/kernel/limits/places.ts'
import type { RlimitName } from '../../../src/kernel/limits/rlimits.ts'
import { type LimitName, limitIndex } from '../../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../../src/kernel/limits/thresholds/threshold.ts'
import type { Partition } from '../../../src/kernel/nodes/partition.ts'
import type { System } from '../../../src/kernel/nodes/system.ts'
import { operate } from '../../../src/kernel/operate.ts'
import type { TimeoutState } from '../../../src/kernel/states.ts'
import type { KernelCall } from '../../../src/model/calls/table.ts'
import type { Machine } from '../../../src/model/machine.ts'
import { defaults } from '../../kernel/support.ts'

export type Operation =
  | { readonly do: 'call'; readonly pid: number; readonly tid: number; readonly call: KernelCall }
  | { readonly do: 'create'; readonly names: readonly string[]; readonly uid: number; readonly priority: number }
  | { readonly do: 'createThread'; readonly pid: number; readonly priority: number }
  | { readonly do: 'move'; readonly pid: number; readonly names: readonly string[] }
  | {
      readonly do: 'putPartition'
      readonly names: readonly string[]
      readonly pools: Readonly<Partial<Record<LimitName, number | null>>>
    }
  | { readonly do: 'removePartition'; readonly names: readonly string[] }
  | { readonly do: 'advance'; readonly ms: number }
  | {
      readonly do: 'putThreshold'
      readonly pid: number | null
      readonly limit: LimitName
      readonly name: string
      readonly definition: Partial<ThresholdDefinition>
    }
  | { readonly do: 'signal'; readonly pid: number; readonly signal: string }
  | { readonly do: 'setRlimit'; readonly pid: number; readonly rlimit: RlimitName; readonly change: RlimitChange }
  /** Null means every limit. */
  | { readonly do: 'switch'; readonly limit: LimitName | null; readonly on: boolean }
  | { readonly do: 'deleteThreshold'; readonly path: string }
  | {
      readonly do: 'putTimeout'
      readonly on: number | readonly string[]
      readonly states: readonly TimeoutState[]
      readonly afterMs: number
    }
  | { readonly do: 'deleteTimeout'; readonly path: string }

/** Outcome of an operation: its result, or the reason for the refusal. */
export type Result = { readonly done: unknown } | { readonly refused: KernelError }

export function perform(machine: Machine, operation: Operation): Result {
  try {
    return { done: run(machine, operation) }
  } catch (error) {
    if (error instanceof KernelError) return { refused: error }
    throw error
  }
}

function containerOf(machine: Machine, names: readonly string[]): Partition | System {
  if (names.length === 0) return machine.kernel.system
  const partition = machine.kernel.partition(names)
  if (partition === null) throw new KernelError('ENOENT', `there is no partition ${names.join('/')}`)
  return partition
}

function run(machine: Machine, operation: Operation): unknown {
  switch (operation.do) {
    case 'call':
      return machine.call(operation.pid, operation.tid, operation.call)
    case 'create': {
      const { uid, priority, names } = operation
      return machine.create({ name: 'made', uid, thread: { priority }, container: containerOf(machine, names) }).pid
    }
    case 'createThread':
      return machine.createThread(machine.processes.get(operation.pid), { priority: operation.priority }).tid
    case 'move':
      machine.move(machine.processes.get(operation.pid), containerOf(machine, operation.names))
      return null
    case 'putPartition':
      return machine.putPartition(operation.names, operation.pools).path
    case 'removePartition': {
      const container = containerOf(machine, operation.names)
      if (container.level === 'partition') machine.removePartition(container)
      return null
    }
    case 'advance':
      machine.advance(machine.kernel.now + operation.ms)
      return null
    case 'signal':
    case 'setRlimit':
      return actOn(machine, operation)
    case 'putThreshold':
      return putThreshold(machine, operation)
    case 'switch':
      switchLimit(machine, operation)
      return null
    case 'deleteThreshold': {
      const { notifier } = machine.kernel
      for (const threshold of [...notifier.thresholds()])
        if (threshold.path === operation.path) notifier.delete(threshold)
      return null
    }
    case 'putTimeout': {
      const { on, states, afterMs } = operation
      const node = typeof on === 'number' ? machine.processes.get(on) : containerOf(machine, on)
      return machine.kernel.timers.put(node, { definition: { states, afterMs }, owner: null }).created
    }
    case 'deleteTimeout': {
      const { timers } = machine.kernel
      for (const timeout of [...timers.timeouts()]) if (timeout.path === operation.path) timers.delete(timeout)
      return null
    }
  }
}

function actOn({ kernel }: Machine, operation: Extract<Operation, { do: 'signal' | 'setRlimit' }>): null {
  operate(kernel, operation.do, (actions) => {
    const process = kernel.process(operation.pid)
    if (operation.do === 'signal') actions.signal(process, operation.signal)
    else actions.setRlimit(process, operation.rlimit, operation.change)
  })
  return null
}

function switchLimit({ kernel }: Machine, { limit, on }: Extract<Operation, { do: 'switch' }>): void {
  kernel.update(kernel.now, () => kernel.notifier.switch(limit === null ? null : limitIndex[limit], on))
}

function putThreshold({ kernel }: Machine, operation: Extract<Operation, { do: 'putThreshold' }>): boolean {
  const { pid, limit, name, definition } = operation
  const node = pid === null ? kernel.system : kernel.process(pid)
  const index = limitAt(node, limit)
  if (index === null) throw new KernelError('EINVAL', 'no such limit there')
  const request = { definition: { ...defaults, ...definition }, owner: null }
  return kernel.update(kernel.now, () => kernel.notifier.put(node, index, name, request)).created
}
