/** A kernel with a recorder, and short words for the facts that tests record in it. */

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
import { hearTold } from '../support/contract/heard.ts'

const abilities: Abilities = {
  unavailable: { channels: 'not on this source' },
  capacities: { fds: ['process'] },
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
      hearTold(event)
      this.events.push(event)
    })
  }

  /** All that happens here happens at one time. */
  at<T>(change: () => T): T {
    return this.kernel.update(this.#now++, change)
  }

  /** What comes with time, up to the last change. */
  expire(): void {
    this.kernel.update(this.kernel.now, () => this.kernel.notifier.expire(this.kernel.now))
  }

  process(
    pid: number,
    { partition = [], name = `p${pid}`, parent }: { partition?: string[]; name?: string; parent?: Process } = {},
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

  /** The limit's place in the table. */
  readonly index = (limit: LimitName): number => limitIndex[limit]

  value(node: Node, limit: LimitName): number | null {
    return this.kernel.notifier.read(node, limitAt(node, limit)!).value
  }

  /** Events since last asked, as `type subject`, with what distinguishes them. */
  told(type = ''): string[] {
    const events = this.events.filter((event) => event.type.startsWith(type))
    this.events = []
    return events.map(({ type, subject, data }) => {
      const mark = data.initial === true ? ' initial' : data.reason !== undefined ? ` ${data.reason}` : ''
      return `${type} ${subject}${mark}`
    })
  }
}

/** A definition as it is where a client says no more. */
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
