/** A kernel with an event recorder, and short methods for the facts that tests record in it. */

import { type Abilities, Kernel } from '../../src/kernel/kernel.ts'
import { limitAt } from '../../src/kernel/limits/places.ts'
import { type LimitName, limitIndex } from '../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../src/kernel/limits/thresholds/threshold.ts'
import type { Node } from '../../src/kernel/nodes/node.ts'
import type { Process } from '../../src/kernel/nodes/process.ts'
import type { Thread } from '../../src/kernel/nodes/thread.ts'
import * as seen from '../../src/kernel/observations.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import type { AnyEvent } from '../support/any-event.ts'
import { checkEvent } from '../support/contract/violations.ts'

const abilities: Abilities = {
  unavailable: { channels: 'not on this source' },
  capacities: { fds: ['process'] },
  executables: { nameBytesMax: 15 },
  cmdlines: { shown: true },
  period: () => null,
}

export class Bench {
  readonly kernel: Kernel
  events: AnyEvent[] = []
  #now = 1_000

  constructor({ selfPid, isRecorded = true }: { selfPid?: number; isRecorded?: boolean } = {}) {
    this.kernel = new Kernel({ abilities, firstRevision: 1, now: this.#now, ...(selfPid !== undefined && { selfPid }) })
    if (!isRecorded) return
    this.kernel.onEvent((event) => {
      checkEvent(event)
      this.events.push(event)
    })
  }

  /** Applies a change in which everything happens at one time. */
  at<T>(change: () => T): T {
    return this.kernel.update(this.#now++, change)
  }

  /** Expires everything that is due at the time of the last change. */
  expire(): void {
    this.kernel.update(this.kernel.now, () => this.kernel.notifier.expire(this.kernel.now))
  }

  process(
    pid: number,
    {
      partition = [],
      name = `p${pid}`,
      parent,
      kernelThread = false,
    }: { partition?: string[]; name?: string; parent?: Process; kernelThread?: boolean } = {},
  ): Process {
    return this.at(() =>
      seen.processAppeared(this.kernel, {
        pid,
        identity: `boot-${pid}-${this.#now}`,
        started: this.#now,
        name,
        parentProcess: parent ?? null,
        executable: `/bin/${name}`,
        uid: 0,
        container: seen.partitionAppeared(this.kernel, partition),
        kernelThread,
      }),
    )
  }

  thread(process: Process, tid: number): Thread {
    return this.at(() => seen.threadAppeared(this.kernel, process, { tid, name: `t${tid}`, since: this.#now }))
  }

  observe(node: Node, limit: LimitName, value: number, estimate = false): void {
    this.at(() => measured.observe(this.kernel, node, limit, { value, at: this.#now, estimate }))
  }

  capacity(node: Node, limit: LimitName, capacity: number): void {
    this.at(() => measured.observeCapacity(this.kernel, node, limit, capacity))
  }

  put(node: Node, limit: LimitName, name: string, definition: Partial<ThresholdDefinition>) {
    return this.kernel.notifier.put(node, limitAt(node, limit)!, name, {
      definition: { ...defaults, ...definition },
      owner: null,
    })
  }

  /** The position of the limit in the table. */
  readonly index = (limit: LimitName): number => limitIndex[limit]

  value(node: Node, limit: LimitName): number | null {
    return this.kernel.notifier.read(node, limitAt(node, limit)!).value
  }

  /** Takes the recorded events as `type subject`, followed by `initial` or the reason. */
  takeEvents(type = ''): string[] {
    const events = this.events.filter((event) => event.type.startsWith(type))
    this.events = []
    return events.map(({ type, subject, data }) => {
      const mark = data.initial === true ? ' initial' : data.reason !== undefined ? ` ${data.reason}` : ''
      return `${type} ${subject}${mark}`
    })
  }
}

/** A definition with the default of every field. */
export const defaults: ThresholdDefinition = {
  on: 'cross',
  at: null,
  rearm: null,
  direction: 'rising',
  per: null,
  where: null,
  for: null,
  once: false,
  action: 'notify',
  delta: null,
  every: null,
  ttl: null,
  note: null,
}
