/**
 * Default timers, the slow way: it listens to what threads do, and after each millisecond looks at all of them anew.
 * None of the kernel's own timers is used, nor what it knows of states before this one.
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

/** Past as soon as the wait that it had been told of was over: told as the clock next moves. */
interface Late {
  readonly at: number
  readonly begin: number
  readonly timeout: DefaultTimeout
}

interface Told {
  readonly begin: number
  readonly timeout: string
  readonly states: readonly string[]
}

export class NaiveTimers {
  readonly #machine: Machine
  /** Blocked states that followed straight on one another, the present one last. */
  readonly #stays = new Map<string, Stay[]>()
  readonly #told = new Map<string, Told>()
  readonly #late = new Map<string, Late>()
  #expected: string[] = []

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** What threads did. */
  hear(events: readonly AnyEvent[]): void {
    for (const { type, subject, at, data } of events) {
      if (type === 'thread.died') this.#go(subject, 'DEAD', at)
      if (type === 'thread.changed') this.#go(subject, String(data.state), at)
    }
  }

  #go(path: string, state: string, at: number): void {
    const isBlocked = !['READY', 'DEAD', 'STOPPED'].includes(state)
    const stays = isBlocked ? [...(this.#stays.get(path) ?? []), { state, since: at }] : []
    this.#stays.set(path, stays)
    const told = this.#told.get(path)
    if (told === undefined || beginOf(stays, told.states) === told.begin) return
    this.#told.delete(path)
    this.#expected.push(`deadlock.eased ${path} ${at} ${at - told.begin}ms ${told.timeout}`)
  }

  /** Who has waited too long by now. */
  look(how: 'called' | 'initial' | 'expired'): void {
    const { now } = this.#machine.kernel
    for (const thread of threadsOf(this.#machine)) {
      const timeout = this.#nearest(thread)
      if (timeout === null || this.#told.has(thread.path)) continue
      const { states, afterMs } = timeout.definition
      const begin = beginOf(this.#stays.get(thread.path) ?? [], states)
      if (begin === null || afterMs === null || begin + afterMs > now) continue
      const late = this.#late.get(thread.path)
      const isLate = late?.begin === begin && late.timeout === timeout
      if (how === 'called' && !isLate) this.#late.set(thread.path, { at: now, begin, timeout })
      if (how === 'called' || (how === 'initial' && isLate)) continue
      const at = isLate ? late.at : now
      this.#told.set(thread.path, { begin, timeout: timeout.path, states })
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

export const asToldByKernel = (events: readonly AnyEvent[]): string[] =>
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
