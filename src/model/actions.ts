/** Acts on processes of the model without a call of their threads: sends a signal, or sets an rlimit. */

import type { Actions, RlimitChange } from '../kernel/actions.ts'
import { KernelError } from '../kernel/errno.ts'
import { isRlimitName } from '../kernel/limits/rlimits.ts'
import type { Process } from '../kernel/nodes/process.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import { changeRlimit } from './calls/rlimit-changes.ts'
import { sendSignal } from './calls/sending.ts'
import type { MachineCore } from './machine-core.ts'
import { ModelProcess } from './objects/model-process.ts'
import { ModelThread } from './objects/model-thread.ts'
import { signalOf } from './signals.ts'

export class ModelActions implements Actions {
  readonly #machine: MachineCore

  constructor(machine: MachineCore) {
    this.#machine = machine
  }

  /** Sends a signal as the kernel does: it has no sender whose permission could be checked. */
  signal(target: Process | Thread, name: string): void {
    const signal = signalOf(name)
    if (signal === null) throw new KernelError('EINVAL', `there is no signal ${name}`, { field: 'signal' })
    const thread = target instanceof ModelThread ? target : null
    if (thread?.isDead) throw new KernelError('ESRCH', `${thread.path} has ended`)
    const process = this.#alive(thread === null ? target : thread.parent)
    sendSignal(this.#machine, process, thread, { signal, code: 0, value: 0, from: null })
  }

  /** Sets an rlimit by the rules for the process itself. */
  setRlimit(process: Process, name: string, change: RlimitChange): void {
    if (!isRlimitName(name)) throw new KernelError('ENOTSUP', `the model has no rlimit ${name}`)
    const { soft, hard } = change
    if (typeof soft === 'bigint' || typeof hard === 'bigint')
      throw new KernelError('EINVAL', 'the model has no rlimits of 2^53 or more, except "unlimited"')
    const numbers = { ...(soft !== undefined && { soft }), ...(hard !== undefined && { hard }) }
    changeRlimit(this.#machine, this.#alive(process), name, numbers)
  }

  #alive(process: Process | Thread): ModelProcess {
    if (process instanceof ModelProcess && this.#machine.processes.find(process.pid) === process) return process
    throw new KernelError('ESRCH', `${process.path} has ended`)
  }
}
