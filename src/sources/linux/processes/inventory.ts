/**
 * Compares the processes that a full scan found with those in the kernel state, and corrects the kernel. If the
 * connector reports births and deaths, most differences are events on their way, so a difference is corrected only when
 * two scans agree. Without the connector, one scan decides.
 */

import type { Kernel } from '../../../kernel/kernel.ts'
import * as observed from '../../../kernel/observations.ts'
import type { ProcessFacts, Unidentified } from '../protocol.ts'
import { HiddenProcesses } from './hidden-processes.ts'
import type { ProcessRegistry, RegisteredProcess } from './process-registry.ts'

interface Listed {
  readonly startTicks: number
  readonly tids: readonly number[]
}

/** Parses the rows of `ScanReport.inventory`: pid, start ticks, number of threads, their tids. */
export function* listedProcesses(inventory: Float64Array): Generator<Listed & { readonly pid: number }> {
  for (let place = 0; place < inventory.length; ) {
    const [pid, startTicks, count] = [inventory[place]!, inventory[place + 1]!, inventory[place + 2]!]
    const tids = [...inventory.subarray(place + 3, place + 3 + count)]
    yield { pid, startTicks, tids }
    place += 3 + count
  }
}

interface Comparison {
  /** ms of Unix time. */
  readonly startedAt: number
  readonly certain: boolean
  readonly silent: boolean
  readonly unidentified?: readonly Unidentified[]
}

export class Inventory {
  readonly #kernel: Kernel
  readonly #registry: ProcessRegistry
  /** Facts of processes that are not registered yet, until they are registered or have ended. */
  readonly #unregistered = new Map<number, ProcessFacts>()
  /** Differences that this scan found, as `birth 42 8812`, `end 42 8812`, `thread 42 43`. */
  #differences = new Set<string>()

  readonly hidden: HiddenProcesses

  /** @param isHidden Whether a process that the inventory does not list is alive all the same */
  constructor(kernel: Kernel, registry: ProcessRegistry, isHidden: (pid: number) => boolean = () => false) {
    this.#kernel = kernel
    this.#registry = registry
    this.hidden = new HiddenProcesses(kernel, isHidden)
  }

  addUnregistered(facts: ProcessFacts): void {
    this.#unregistered.set(facts.pid, facts)
  }

  /** Facts that a scan read before the birth was reported; no later scan repeats them. Null if there are none. */
  takeUnregistered(pid: number): ProcessFacts | null {
    const facts = this.#unregistered.get(pid) ?? null
    this.#unregistered.delete(pid)
    return facts
  }

  /**
   * Preconditions: inside an update. With `certain`, one scan decides. `silent` is for the first scan, which emits no
   * events. Returns the facts of the processes that were added to the kernel state.
   */
  reconcile(inventory: Float64Array, { startedAt, certain, silent, unidentified = [] }: Comparison): ProcessFacts[] {
    const before = this.#differences
    this.#differences = new Set()
    const agreed = (difference: string): boolean => {
      this.#differences.add(difference)
      return certain || before.has(difference)
    }
    const listed = new Map<number, Listed>()
    for (const { pid, ...rest } of listedProcesses(inventory)) listed.set(pid, rest)
    this.hidden.start(unidentified)
    for (const [pid, registered] of this.#registry.byPid) {
      if (registered.bornAt >= startedAt || listed.get(pid)?.startTicks === registered.startTicks) continue
      if (!agreed(`end ${pid} ${registered.startTicks}`) && !this.hidden.isUnidentified(pid)) continue
      if (!listed.has(pid) && this.hidden.admit(registered.process)) this.hidden.hide(registered.process)
      else this.#registry.ended(registered.process)
    }
    const admitted: ProcessFacts[] = []
    for (const [pid, { startTicks, tids }] of listed) {
      const registered = this.#registry.byPid.get(pid)
      const facts = this.#unregistered.get(pid)
      if (registered?.startTicks === startTicks) this.#reconcileThreads(registered, tids, { startedAt, agreed, silent })
      else if (agreed(`birth ${pid} ${startTicks}`) && registered === undefined && facts?.startTicks === startTicks) {
        this.#admit(facts, tids, { startedAt, silent })
        admitted.push(facts)
      }
    }
    for (const [pid, { startTicks }] of this.#unregistered) {
      const isRegistered = this.#registry.byPid.get(pid)?.startTicks === startTicks
      if (isRegistered || listed.get(pid)?.startTicks !== startTicks) this.#unregistered.delete(pid)
    }
    // A scan may list parents after their children.
    for (const facts of admitted) {
      const parent = this.#kernel.processes.get(facts.parent) ?? null
      observed.processReparented(this.#kernel, this.#registry.byPid.get(facts.pid)!.process, parent)
    }
    return admitted
  }

  #reconcileThreads(
    { process, changedAt, bornAt }: RegisteredProcess,
    tids: readonly number[],
    { startedAt, agreed, silent }: { startedAt: number; agreed: (difference: string) => boolean; silent: boolean },
  ): void {
    const agrees = tids.length === process.threads.size && tids.every((tid) => process.threads.has(tid))
    if (agrees || Math.max(bornAt, changedAt) >= startedAt) return
    for (const tid of tids) {
      const missing = !process.threads.has(tid) && agreed(`thread ${process.pid} ${tid}`)
      if (missing) this.#registry.threadBorn(process, tid, startedAt, { silent })
    }
    for (const thread of [...process.threads.values()]) {
      const extra = !tids.includes(thread.tid) && agreed(`no thread ${process.pid} ${thread.tid}`)
      if (extra) this.#registry.threadEnded(thread, startedAt)
    }
  }

  #admit(
    facts: ProcessFacts,
    tids: readonly number[],
    { startedAt, silent }: { startedAt: number; silent: boolean },
  ): void {
    const { pid, startTicks, name, executable, uid, kernelThread } = facts
    const container = observed.partitionAppeared(this.#kernel, facts.partition ?? [], { silent })
    const parent = this.#kernel.processes.get(facts.parent) ?? null
    const registered = this.#registry.born(
      { pid, startTicks, name, executable, uid, parent, container, kernelThread },
      { at: startedAt, silent },
    )
    for (const tid of tids) this.#registry.threadBorn(registered.process, tid, startedAt, { silent })
  }
}
