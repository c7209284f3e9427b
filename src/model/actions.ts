/** What is done to processes of the model from outside. */

import type { Actions, RlimitChange } from '../kernel/actions.ts'
import { KernelError } from '../kernel/errno.ts'
import { isRlimitName } from '../kernel/limits/rlimits.ts'
import type { Process } from '../kernel/nodes/process.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import { deliver } from './calls/delivery.ts'
import { changeRlimit } from './calls/rlimits.ts'
import type { Machine } from './machine.ts'
import { ModelProcess } from './objects/model-process.ts'
import { ModelThread } from './objects/model-thread.ts'
import { signalOf } from './signals.ts'

export class ModelActions implements Actions {
  readonly #machine: Machine

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** As the kernel sends one: it has no sender, so nobody's permission is asked. */
  signal(target: Process | Thread, name: string): void {
    const signal = signalOf(name)
    if (signal === null) throw new KernelError('EINVAL', `there is no signal ${name}`, { field: 'signal' })
    const thread = target instanceof ModelThread ? target : null
    if (thread?.isDead) throw new KernelError('ESRCH', `${thread.path} has ended`)
    const process = this.#alive(thread === null ? target : thread.parent)
    deliver(this.#machine, process, thread, { signal, code: 0, value: 0, from: null })
  }

  /** By the rules that hold for the process itself. */
  setRlimit(process: Process, name: string, change: RlimitChange): void {
    if (!isRlimitName(name)) throw new KernelError('ENOTSUP', `the model has no rlimit ${name}`)
    changeRlimit(this.#machine, this.#alive(process), name, change)
  }

  #alive(process: Process | Thread): ModelProcess {
    if (process instanceof ModelProcess && this.#machine.find(process.pid) === process) return process
    throw new KernelError('ESRCH', `${process.path} has ended`)
  }
}
