/**
 * The slow reconcile: what a full scan found to live, held against what the kernel state says. Where births and
 * deaths are told, a difference is most often an event still on its way, so only what two scans agree on is mended.
 * Where they are not told, scanning is all there is, and one scan decides.
 */

import type { Kernel } from '../../../kernel/kernel.ts'
import * as observed from '../../../kernel/observations.ts'
import type { ProcessFacts } from '../protocol.ts'
import type { ProcessRegistry, RegisteredProcess } from './process-registry.ts'

interface Listed {
  readonly startTicks: number
  readonly tids: readonly number[]
}

/** Rows of `ScanReport.inventory`: pid, start ticks, number of threads, their tids. */
export function* listedProcesses(inventory: Float64Array): Generator<Listed & { readonly pid: number }> {
  for (let place = 0; place < inventory.length; ) {
    const [pid, startTicks, count] = [inventory[place]!, inventory[place + 1]!, inventory[place + 2]!]
    const tids = [...inventory.subarray(place + 3, place + 3 + count)]
    yield { pid, startTicks, tids }
    place += 3 + count
  }
}

export class Inventory {
  readonly #kernel: Kernel
  readonly #lives: ProcessRegistry
  /** Facts of processes that are not in the kernel state, until they are or are gone. */
  readonly #strangers = new Map<number, ProcessFacts>()
  /** What the scan before found to differ, as `birth 42 8812`, `end 42 8812`, `thread 42 43`. */
  #doubts = new Set<string>()

  constructor(kernel: Kernel, lives: ProcessRegistry) {
    this.#kernel = kernel
    this.#lives = lives
  }

  keepStranger(facts: ProcessFacts): void {
    this.#strangers.set(facts.pid, facts)
  }

  /** What a scan read of a process before its birth was told: it will not be told again. Null where there is nothing. */
  takeStranger(pid: number): ProcessFacts | null {
    const facts = this.#strangers.get(pid) ?? null
    this.#strangers.delete(pid)
    return facts
  }

  /**
   * Preconditions: inside an update. `certain`: one scan decides. `silent`: the first of all.
   * Returns the facts of the processes that are in the kernel state from now on.
   */
  reconcile(
    inventory: Float64Array,
    { startedAt, certain, silent }: { startedAt: number; certain: boolean; silent: boolean },
  ): ProcessFacts[] {
    const before = this.#doubts
    this.#doubts = new Set()
    const agreed = (doubt: string): boolean => {
      this.#doubts.add(doubt)
      return certain || before.has(doubt)
    }
    const listed = new Map<number, Listed>()
    for (const { pid, ...rest } of listedProcesses(inventory)) listed.set(pid, rest)
    for (const [pid, life] of this.#lives.byPid) {
      if (life.bornAt >= startedAt || listed.get(pid)?.startTicks === life.startTicks) continue
      if (agreed(`end ${pid} ${life.startTicks}`)) this.#lives.ended(life.process)
    }
    const admitted: ProcessFacts[] = []
    for (const [pid, { startTicks, tids }] of listed) {
      const life = this.#lives.byPid.get(pid)
      const facts = this.#strangers.get(pid)
      if (life !== undefined) this.#reconcileThreads(life, tids, { startedAt, agreed, silent })
      else if (agreed(`birth ${pid} ${startTicks}`) && facts?.startTicks === startTicks) {
        this.#admit(facts, tids, { startedAt, silent })
        admitted.push(facts)
      }
    }
    for (const pid of this.#strangers.keys())
      if (!listed.has(pid) || this.#lives.byPid.has(pid)) this.#strangers.delete(pid)
    // Parents may come after their children in a scan.
    for (const facts of admitted) {
      const parent = this.#kernel.processes.get(facts.parent) ?? null
      observed.processReparented(this.#kernel, this.#lives.byPid.get(facts.pid)!.process, parent)
    }
    return admitted
  }

  #reconcileThreads(
    { process, changedAt, bornAt }: RegisteredProcess,
    tids: readonly number[],
    { startedAt, agreed, silent }: { startedAt: number; agreed: (doubt: string) => boolean; silent: boolean },
  ): void {
    const agrees = tids.length === process.threads.size && tids.every((tid) => process.threads.has(tid))
    if (agrees || Math.max(bornAt, changedAt) >= startedAt) return
    for (const tid of tids) {
      const missing = !process.threads.has(tid) && agreed(`thread ${process.pid} ${tid}`)
      if (missing) this.#lives.threadBorn(process, tid, startedAt, { silent })
    }
    for (const thread of [...process.threads.values()]) {
      const extra = !tids.includes(thread.tid) && agreed(`no thread ${process.pid} ${thread.tid}`)
      if (extra) observed.threadEnded(this.#kernel, thread)
    }
  }

  #admit(
    facts: ProcessFacts,
    tids: readonly number[],
    { startedAt, silent }: { startedAt: number; silent: boolean },
  ): void {
    const { pid, startTicks, name, executable, uid } = facts
    const container = observed.partitionAppeared(this.#kernel, facts.partition ?? [], { silent })
    const parent = this.#kernel.processes.get(facts.parent) ?? null
    const life = this.#lives.born(
      { pid, startTicks, name, executable, uid, parent, container },
      { at: startedAt, silent },
    )
    for (const tid of tids) this.#lives.threadBorn(life.process, tid, startedAt, { silent })
  }
}
