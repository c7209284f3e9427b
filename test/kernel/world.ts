/** A machine with a recorder, and short words for what tests do with it. */

import type { ProcessMaking } from '../../src/kernel/calls/process.ts'
import type { CallArguments, KernelCall, KernelCallName } from '../../src/kernel/calls/table.ts'
import { KernelError } from '../../src/kernel/errno.ts'
import type { KernelEvent } from '../../src/kernel/events.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import type { LimitName } from '../../src/kernel/limits/table.ts'
import { Machine, type Pools } from '../../src/kernel/machine.ts'
import { modelAbilities } from '../../src/kernel/model-abilities.ts'
import type { ModelProcess } from '../../src/kernel/objects/model-process.ts'
import type { ModelThread, Returned } from '../../src/kernel/objects/model-thread.ts'
import type { Node } from '../../src/kernel/objects/node.ts'

export class World {
  readonly kernel: Kernel
  readonly machine: Machine
  events: KernelEvent[] = []

  constructor(pools?: Pools) {
    this.kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
    this.kernel.onEvent = (event) => this.events.push(event)
    this.machine = new Machine(this.kernel, pools)
  }

  spawn(name: string, making: Omit<ProcessMaking, 'name'> = {}): ModelProcess {
    return this.machine.create({ name, ...making })
  }

  thread(process: ModelProcess, tid = 1): ModelThread {
    const thread = process.threads.get(tid)
    if (thread === undefined) throw new Error(`no thread ${tid}`)
    return thread
  }

  /** A thread that the process makes. */
  more(process: ModelProcess, making: CallArguments<'ThreadCreate'> = {}): ModelThread {
    return this.machine.createThread(process, making)
  }

  /** What the call returns at once, the state that it blocks in, or its errno. */
  call<N extends KernelCallName>({ parent, tid }: ModelThread, name: N, args: CallArguments<N>): unknown {
    try {
      const outcome = this.machine.call(parent.pid, tid, { name, args } as KernelCall)
      return 'blocked' in outcome ? outcome.blocked : outcome.returned
    } catch (error) {
      if (error instanceof KernelError) return error.errno
      throw error
    }
  }

  /** A channel of the server and a connection of the client to it. */
  connect(client: ModelThread, server: ModelThread, fixedPriority = false): { chid: number; coid: number } {
    const { chid } = this.call(server, 'ChannelCreate', { fixedPriority }) as { chid: number }
    const { coid } = this.call(client, 'ConnectAttach', { pid: server.parent.pid, chid }) as { coid: number }
    return { chid, coid }
  }

  usage(node: Node, limit: LimitName): number {
    return this.machine.usage(node, limit)
  }
}

export const state = (thread: ModelThread): string | null => thread.condition.state

export const returned = ({ returned: value }: ModelThread): Returned | null => value
