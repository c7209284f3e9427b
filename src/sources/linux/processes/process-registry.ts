/**
 * Registers the processes that are alive: records births, deaths and changes that the connector reports in the kernel.
 */

import type { Kernel } from '../../../kernel/kernel.ts'
import type { Partition } from '../../../kernel/nodes/partition.ts'
import type { Process } from '../../../kernel/nodes/process.ts'
import type { System } from '../../../kernel/nodes/system.ts'
import type { Thread } from '../../../kernel/nodes/thread.ts'
import * as observed from '../../../kernel/observations.ts'
import type { ProcessEvent } from '../protocol.ts'
import { EventPace, type PacedChange, type PacedEvent } from './event-pace.ts'

type EventOf<What extends ProcessEvent['what']> = Extract<ProcessEvent, { what: What }>

/** Facts about a process that only the source needs, beside those in the kernel state. */
export interface RegisteredProcess {
  readonly process: Process
  readonly startTicks: number
  /**
   * When its birth was seen, and when the connector last reported a change. Anything that a scan read before that is
   * out of date.
   */
  readonly bornAt: number
  changedAt: number
}

export interface Birth {
  readonly pid: number
  readonly startTicks: number
  readonly name: string
  readonly parent: Process | null
  readonly executable: string | null
  readonly uid: number | null
  readonly container: Partition | System
  readonly kernelThread: boolean
}

export interface RegistryParts {
  readonly boot: string
  /** ms of Unix time. */
  readonly bootedAt: number
  /** Whether a process that SIGKILL has ended was killed because memory ran out. */
  readonly isOomKill?: (process: Process) => boolean
}

const unknownEnd = { code: null, signal: null }
const tickMs = 10

export class ProcessRegistry {
  readonly #kernel: Kernel
  readonly #boot: string
  /** ms of Unix time. */
  readonly #bootedAt: number
  readonly #isOomKill: (process: Process) => boolean
  readonly #pace = new EventPace()
  readonly byPid = new Map<number, RegisteredProcess>()

  constructor(kernel: Kernel, { boot, bootedAt, isOomKill = () => false }: RegistryParts) {
    this.#kernel = kernel
    this.#isOomKill = isOomKill
    this.#boot = boot
    this.#bootedAt = bootedAt
  }

  /** Records one event of the connector. Returns whether a process was born or died by it. */
  record(event: ProcessEvent): 'born' | 'died' | null {
    return this.#kernel.update(event.at, () => {
      if (event.what === 'fork') return this.#forked(event)
      const registered = this.byPid.get(event.pid)
      // An event of a process whose birth we did not see, for example one that ended while we were starting.
      if (registered === undefined) return null
      const { process } = registered
      if (event.what === 'exit') return this.#exited(process, event)
      registered.changedAt = event.at
      if (event.what === 'clone') this.threadBorn(process, event.tid, event.at)
      else if (event.what === 'exec') this.#execed(process, event)
      else this.#changed(process, event)
      return null
    })
  }

  /** Records changes that waited because there were too many. */
  releaseWaiting(now: number): void {
    if (!this.#pace.hasWaiting) return
    this.#kernel.update(now, () => {
      for (const { process, change } of this.#pace.takeDue(now)) this.#recordChange(process, change)
    })
  }

  /**
   * Records changes of a process that wait, before a newer change of another kind or a newer reading. Preconditions:
   * inside an update.
   */
  settle(process: Process): void {
    for (const change of this.#pace.takeWaiting(process)) this.#recordChange(process, change)
  }

  /** Reports events of threads that were not emitted because there were too many. Preconditions: inside an update. */
  reportLeftOut(now: number): void {
    for (const { process, count, from, to } of this.#pace.takeLeftOut(now)) {
      const why = `${process.name} (pid ${process.pid}) starts and ends threads faster than events are emitted`
      const data = { count, from: new Date(from).toISOString(), to: new Date(to).toISOString(), why }
      this.#kernel.emit('events.lost', { subject: process.path, about: [], data })
    }
  }

  /** Preconditions: inside an update; no registered process has that pid. */
  born(birth: Birth, { at, silent = false }: { at: number; silent?: boolean }): RegisteredProcess {
    const { pid, startTicks, parent, ...facts } = birth
    // Left by a change that failed before it was complete.
    const unfinished = this.#kernel.processes.get(pid)
    if (unfinished !== undefined) observed.processEnded(this.#kernel, unfinished, unknownEnd)
    const identity = `${this.#boot}-${pid}-${startTicks}`
    const started = this.#bootedAt + startTicks * tickMs
    const process = observed.processAppeared(
      this.#kernel,
      { pid, identity, started, parentProcess: parent, ...facts },
      { silent },
    )
    const registered = { process, startTicks, bornAt: at, changedAt: at }
    this.byPid.set(pid, registered)
    return registered
  }

  threadBorn(process: Process, tid: number, at: number, { silent = false } = {}): void {
    if (process.threads.has(tid)) return
    const isLeftOut = !silent && process.threads.size > 0 && !this.#pace.threadMayBeBorn(process, at)
    const birth = { tid, name: process.name, since: at }
    const thread = observed.threadAppeared(this.#kernel, process, birth, { silent: silent || isLeftOut })
    if (isLeftOut) this.#pace.leaveOut(thread, at)
  }

  threadEnded(thread: Thread, at: number): void {
    observed.threadEnded(this.#kernel, thread, { silent: !this.#pace.threadMayEnd(thread, at) })
  }

  ended(process: Process, ending: observed.Ending = unknownEnd): void {
    this.byPid.delete(process.pid)
    // Its other threads end with events.
    for (const thread of [...process.threads.values()])
      if (this.#pace.isSilent(thread)) this.threadEnded(thread, this.#kernel.now)
    observed.processEnded(this.#kernel, process, ending)
  }

  #forked({ pid, parent, startTicks, name, kernelThread, at }: EventOf<'fork'>): 'born' | null {
    const known = this.byPid.get(pid)
    if (known !== undefined) {
      if (known.startTicks === startTicks) return null
      this.ended(known.process)
    }
    const parentProcess = this.byPid.get(parent)?.process ?? null
    const registered = this.born(
      {
        pid,
        startTicks,
        name: nameAtBirth(parentProcess, name),
        parent: parentProcess,
        executable: parentProcess?.executable ?? null,
        uid: parentProcess?.uid ?? null,
        container: parentProcess?.container ?? this.#kernel.system,
        kernelThread,
      },
      { at },
    )
    this.threadBorn(registered.process, pid, at)
    return 'born'
  }

  #exited(process: Process, { tid, code, signal, at }: EventOf<'exit'>): 'died' | null {
    const thread = process.threads.get(tid)
    if (thread === undefined) return null
    if (process.threads.size > 1) {
      this.threadEnded(thread, at)
      return null
    }
    this.settle(process)
    this.ended(process, { code, signal, oom: signal === 'SIGKILL' && this.#isOomKill(process) })
    return 'died'
  }

  #execed(process: Process, event: EventOf<'exec'>): void {
    const { name, executable, uid, at } = event
    const change = this.#pace.change(process, event)
    if (change !== null) this.settle(process)
    // The thread that called exec is the leader from now on; all others have ended.
    this.threadBorn(process, process.pid, at)
    for (const thread of [...process.threads.values()]) {
      if (thread.tid !== process.pid) this.threadEnded(thread, at)
    }
    const changedUid = change !== null && uid !== null && uid !== process.uid
    const facts = {
      ...(name !== null && { name }),
      ...(executable !== null && { executable }),
      ...(uid !== null && { uid }),
      // A helper that the kernel starts is one of its threads until it executes a program.
      kernelThread: false,
    }
    // Without an event now, one follows that stands for several.
    observed.processChanged(this.#kernel, process, change && 'exec', facts, { changes: change?.changes ?? 1 })
    if (name !== null) observed.threadChanged(this.#kernel, process.threads.get(process.pid)!, { name })
    if (changedUid) observed.processChanged(this.#kernel, process, 'uid', {})
  }

  #changed(process: Process, event: PacedEvent): void {
    const thread = event.what === 'name' && event.tid !== process.pid ? process.threads.get(event.tid) : null
    if (thread === undefined) return
    // The name of another thread is no event.
    if (thread !== null && event.what === 'name') observed.threadChanged(this.#kernel, thread, { name: event.name })
    else {
      const change = this.#pace.change(process, event)
      if (change !== null) this.#recordChange(process, change)
    }
  }

  #recordChange(process: Process, { event, changes }: PacedChange): void {
    if (event.what === 'name') {
      const { name } = event
      const thread = process.threads.get(process.pid)
      if (thread !== undefined) observed.threadChanged(this.#kernel, thread, { name })
      if (process.name !== name || changes > 1)
        observed.processChanged(this.#kernel, process, 'name', { name }, { changes })
    } else if (event.what === 'exec') observed.processChanged(this.#kernel, process, 'exec', {}, { changes })
    else if (process.uid !== event.uid || changes > 1)
      observed.processChanged(this.#kernel, process, 'uid', { uid: event.uid }, { changes })
  }
}

/**
 * A process is born with the name of the thread that forked it, and gets its own name at exec. A name that was read a
 * moment later may be from after the exec, which is reported by its own event.
 */
function nameAtBirth(parent: Process | null, read: string | null): string {
  if (parent === null) return read ?? ''
  const inherited = read !== null && [...parent.threads.values()].some(({ name }) => name === read)
  return inherited ? read : parent.name
}
