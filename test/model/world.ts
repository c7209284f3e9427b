/** A machine with recorded events and short helper methods for tests of kernel calls. */

import { expect } from 'vitest'
import { KernelError } from '../../src/kernel/errno.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import type { LimitName } from '../../src/kernel/limits/table.ts'
import type { Node } from '../../src/kernel/nodes/node.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import type { ProcessMaking } from '../../src/model/calls/process-creation.ts'
import type { CallArguments, KernelCall, KernelCallName } from '../../src/model/calls/table.ts'
import { Machine } from '../../src/model/machine.ts'
import type { ModelProcess } from '../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../src/model/objects/model-thread.ts'
import type { PoolCapacities } from '../../src/model/pools.ts'
import { exportState, type MachineState } from '../../src/model/state/state.ts'
import type { SavedThread } from '../../src/model/state/threads.ts'
import type { AnyEvent } from '../support/any-event.ts'
import { checkEvent } from '../support/contract/violations.ts'

export class World {
  readonly kernel: Kernel
  readonly machine: Machine
  events: AnyEvent[] = []

  constructor(pools?: PoolCapacities) {
    this.kernel = new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 })
    this.kernel.onEvent((event) => {
      checkEvent(event)
      this.events.push(event)
    })
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

  /** Creates another thread of the process. */
  more(process: ModelProcess, making: CallArguments<'ThreadCreate'> = {}): ModelThread {
    return this.machine.createThread(process, making)
  }

  /** Makes a call; returns its result, its blocked state, or its errno. Checks that a refused call changes nothing. */
  call<N extends KernelCallName>(thread: ModelThread, name: N, args: CallArguments<N>): unknown {
    const { returned } = thread
    const before = snapshot(this.machine, thread)
    try {
      const outcome = this.machine.call(thread.parent.pid, thread.tid, { name, args } as KernelCall)
      return 'blocked' in outcome ? outcome.blocked : outcome.returned
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      // A wait that ended at once has changed the machine and has returned an errno.
      if (thread.returned === returned) expect(snapshot(this.machine, thread)).toEqual(before)
      return error.errno
    }
  }

  /** Creates a channel of the server and a connection of the client to it. */
  connect(client: ModelThread, server: ModelThread, fixedPriority = false): { chid: number; coid: number } {
    const { chid } = this.call(server, 'ChannelCreate', { fixedPriority }) as { chid: number }
    const { coid } = this.call(client, 'ConnectAttach', { pid: server.parent.pid, chid }) as { coid: number }
    return { chid, coid }
  }

  usage(node: Node, limit: LimitName): number {
    return this.machine.pools.usage(node, limit)
  }

  /** Advances the clock. */
  pass(ms: number): void {
    this.machine.advance(this.kernel.now + ms)
  }

  /** Returns events since the last call as `type subject`, with the state or reason, if any. */
  takeEvents(type = ''): string[] {
    const events = this.events.filter((event) => event.type.startsWith(type))
    this.events = []
    return events.map(({ type, subject, data }) => [type, subject, data.state ?? data.reason].filter(Boolean).join(' '))
  }
}

export const state = (thread: ModelThread): string | null => thread.condition.state

/** Result of the last wait of the thread: a value or an errno. */
export const returned = ({ returned: what }: ModelThread): unknown =>
  what === null ? null : 'errno' in what ? what.errno : what.value

/** The whole state without the timeout of this thread, because a refused call uses the timeout up. */
export function snapshot(machine: Machine, { parent, tid }: ModelThread): MachineState {
  const saved = exportState(machine)
  const spent = (thread: SavedThread) => (thread.tid === tid ? { ...thread, timeout: null } : thread)
  const processes = saved.processes.map((process) =>
    process.pid === parent.pid ? { ...process, threads: process.threads.map(spent) } : process,
  )
  return { ...saved, processes }
}
