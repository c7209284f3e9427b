/**
 * A plain model of default timers to compare the kernel with: it follows thread events, and checks every thread after
 * each millisecond. It uses neither the timers of the kernel nor earlier states that the kernel remembers.
 */

import type { DefaultTimeout } from '../../../src/kernel/deadlock/default-timeout.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import type { Machine } from '../../../src/model/machine.ts'
import { threadsOf } from '../../model/properties/invariants.ts'
import type { AnyEvent } from '../../support/any-event.ts'

interface Stay {
  readonly state: string
  readonly since: number
}

/** A wait that a call made overdue. Its warning is emitted when the clock next moves. */
interface Late {
  readonly at: number
  readonly begin: number
  readonly timeout: DefaultTimeout
}

interface Warning {
  readonly begin: number
  readonly timeout: string
  readonly states: readonly string[]
}

export class NaiveTimers {
  readonly #machine: Machine
  /** Consecutive blocked states of each thread, the current one last. */
  readonly #stays = new Map<string, Stay[]>()
  readonly #warnings = new Map<string, Warning>()
  readonly #late = new Map<string, Late>()
  #expected: string[] = []

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Follows the state changes of threads. */
  observe(events: readonly AnyEvent[]): void {
    for (const { type, subject, at, data } of events) {
      if (type === 'thread.died') this.#go(subject, 'DEAD', at)
      if (type === 'thread.changed') this.#go(subject, String(data.state), at)
    }
  }

  #go(path: string, state: string, at: number): void {
    const isBlocked = !['READY', 'DEAD', 'STOPPED'].includes(state)
    const stays = isBlocked ? [...(this.#stays.get(path) ?? []), { state, since: at }] : []
    this.#stays.set(path, stays)
    const warning = this.#warnings.get(path)
    if (warning === undefined || beginOf(stays, warning.states) === warning.begin) return
    this.#warnings.delete(path)
    this.#expected.push(`deadlock.eased ${path} ${at} ${at - warning.begin}ms ${warning.timeout}`)
  }

  /** Adds a warning for each thread that has waited too long by now. */
  look(how: 'called' | 'initial' | 'expired'): void {
    const { now } = this.#machine.kernel
    for (const thread of threadsOf(this.#machine)) {
      const timeout = this.#nearest(thread)
      if (timeout === null || this.#warnings.has(thread.path)) continue
      const { states, afterMs } = timeout.definition
      const begin = beginOf(this.#stays.get(thread.path) ?? [], states)
      if (begin === null || afterMs === null || begin + afterMs > now) continue
      const late = this.#late.get(thread.path)
      const isLate = late?.begin === begin && late.timeout === timeout
      if (how === 'called' && !isLate) this.#late.set(thread.path, { at: now, begin, timeout })
      if (how === 'called' || (how === 'initial' && isLate)) continue
      const at = isLate ? late.at : now
      this.#warnings.set(thread.path, { begin, timeout: timeout.path, states })
      this.#expected.push(`deadlock.warning ${thread.path} ${at} ${at - begin}ms ${timeout.path} ${how}`)
    }
  }

  #nearest(thread: Node): DefaultTimeout | null {
    const timeouts = new Map([...this.#machine.kernel.timers.timeouts()].map((timeout) => [timeout.node, timeout]))
    for (let node: Node | null = thread; node !== null; node = node.parent) {
      const timeout = timeouts.get(node)
      if (timeout !== undefined) return timeout
    }
    return null
  }

  take(): string[] {
    const expected = this.#expected
    this.#expected = []
    return expected.sort()
  }
}

function beginOf(stays: readonly Stay[], states: readonly string[]): number | null {
  let begin: number | null = null
  for (const { state, since } of [...stays].reverse()) {
    if (!states.includes(state)) break
    begin = since
  }
  return begin
}

export const warningsOf = (events: readonly AnyEvent[]): string[] =>
  events
    .filter(({ type }) => type === 'deadlock.warning' || type === 'deadlock.eased')
    .map(({ type, subject, at, data }) =>
      [
        type,
        subject,
        at,
        data.blocked,
        data.timeout,
        ...(type === 'deadlock.warning' ? [data.initial ? 'initial' : 'expired'] : []),
      ].join(' '),
    )
    .sort()
