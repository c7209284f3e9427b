/**
 * Converts objects to ids when a state is saved, and ids to objects when it is restored. Objects which have ended can
 * still be referred to, and are saved in lists of their own: a thread which ended with a mutex, a channel whose
 * connections are not detached yet, and the processes of both. The helpers `at`, `atEach` and `there` report errors
 * with their place in the state.
 */

import { KernelError } from '../../kernel/errno.ts'
import { initialRlimits } from '../calls/rlimit-changes.ts'
import type { Machine } from '../machine.ts'
import { Channel } from '../objects/channel.ts'
import { ModelProcess } from '../objects/model-process.ts'
import { ModelThread } from '../objects/model-thread.ts'

/** Index in one of the lists of ended objects. */
interface EndedRef {
  readonly ended: number
}

export type ProcessRef = number | EndedRef
export type ThreadRef = readonly [pid: number, tid: number] | EndedRef
export type ChannelRef = readonly [pid: number, chid: number] | EndedRef

export interface EndedState {
  readonly processes: readonly {
    readonly pid: number
    readonly identity: string
    readonly started: number
    readonly name: string
    readonly uid: number
  }[]
  readonly threads: readonly { readonly process: ProcessRef; readonly tid: number; readonly name: string }[]
  readonly channels: readonly {
    readonly owner: ProcessRef
    readonly chid: number
    readonly fixedPriority: boolean
  }[]
}

/** A list of ended objects, in the order in which they were first referred to. */
class EndedObjects<T> {
  readonly #places = new Map<T, number>()

  refer(ended: T): EndedRef {
    const place = this.#places.get(ended) ?? this.#places.size
    this.#places.set(ended, place)
    return { ended: place }
  }

  map<State>(toState: (ended: T) => State): State[] {
    return [...this.#places.keys()].map(toState)
  }
}

/** Makes references to objects while a state is exported. */
export class References {
  readonly #machine: Machine
  readonly #processes = new EndedObjects<ModelProcess>()
  readonly #threads = new EndedObjects<ModelThread>()
  readonly #channels = new EndedObjects<Channel>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  process(process: ModelProcess): ProcessRef {
    return this.#exists(process) ? process.pid : this.#processes.refer(process)
  }

  thread(thread: ModelThread): ThreadRef {
    const { parent, tid } = thread
    const exists = this.#exists(parent) && parent.threads.get(tid) === thread
    return exists ? [parent.pid, tid] : this.#threads.refer(thread)
  }

  channel(channel: Channel): ChannelRef {
    return channel.destroyed ? this.#channels.refer(channel) : [channel.owner.pid, channel.chid]
  }

  /** The lists of ended objects. Preconditions: everything else is exported. */
  ended(): EndedState {
    const threads = this.#threads.map(({ parent, tid, name }) => ({ process: this.process(parent), tid, name }))
    const channels = this.#channels.map(({ owner, chid, fixedPriority }) => ({
      owner: this.process(owner),
      chid,
      fixedPriority,
    }))
    const processes = this.#processes.map(({ pid, identity, started, name, uid }) => ({
      pid,
      identity,
      started,
      name,
      uid,
    }))
    return { processes, threads, channels }
  }

  #exists(process: ModelProcess): boolean {
    return this.#machine.processes.find(process.pid) === process
  }
}

/**
 * Finds objects by their references while a state is restored. Preconditions: all processes and threads are restored.
 */
export class Referents {
  readonly #machine: Machine
  readonly #processes: readonly ModelProcess[]
  readonly #threads: readonly ModelThread[]
  readonly #channels: readonly Channel[]

  constructor(machine: Machine, { processes, threads, channels }: EndedState) {
    this.#machine = machine
    this.#processes = processes.map((birth) => {
      const container = machine.kernel.system
      return new ModelProcess({ ...birth, parentProcess: null, executable: null, container }, initialRlimits)
    })
    this.#threads = atEach('ended/threads', threads, ({ process, tid, name }) => {
      const birth = { tid, name, priority: 0, isMain: false, detached: true, condition: machine.conditionOf('DEAD') }
      return new ModelThread(this.process(process), birth)
    })
    this.#channels = atEach('ended/channels', channels, ({ owner, chid, fixedPriority }) => {
      const channel = new Channel({ owner: this.process(owner), chid, fixedPriority })
      channel.destroyed = true
      return channel
    })
  }

  process(ref: ProcessRef): ModelProcess {
    return typeof ref === 'number' ? this.#machine.processes.get(ref) : there(this.#processes[ref.ended])
  }

  thread(ref: ThreadRef): ModelThread {
    if ('ended' in ref) return there(this.#threads[ref.ended])
    const [pid, tid] = ref
    return there(this.#machine.processes.get(pid).threads.get(tid))
  }

  channel(ref: ChannelRef): Channel {
    if ('ended' in ref) return there(this.#channels[ref.ended])
    const [pid, chid] = ref
    return there(this.#machine.processes.get(pid).channels.get(chid))
  }
}

/** @throws KernelError EINVAL when the state refers to an object which is not in it */
export function there<T>(found: T | undefined): T {
  if (found === undefined) throw new KernelError('EINVAL', 'it refers to an object which is not in the state')
  return found
}

/**
 * Restores the part of a state at a place, and adds the place to errors.
 * @param place a JSON pointer without its first slash
 * @throws KernelError EINVAL whose `field` is the place of the error
 */
export function at<T>(place: string, load: () => T): T {
  try {
    return load()
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    const field = error.field === null ? place : `${place}/${error.field}`
    throw new KernelError('EINVAL', error.message, { field })
  }
}

/** Restores each item of the list at a place. */
export function atEach<T, R>(place: string, list: readonly T[], load: (item: T) => R): R[] {
  return list.map((item, index) => at(`${place}/${index}`, () => load(item)))
}

/**
 * Checks that revisions are unique and below the next one. Clients store them, so none may be given twice.
 * @throws KernelError EINVAL
 */
export function checkRevisions(place: string, all: readonly { readonly revision: number }[], next: number): void {
  const seen = new Set<number>()
  for (const [index, { revision }] of all.entries())
    at(`${place}/${index}/revision`, () => {
      if (revision >= next) throw new KernelError('EINVAL', `the next revision is ${next}`)
      if (seen.has(revision)) throw new KernelError('EINVAL', 'another one has this revision')
      seen.add(revision)
    })
}
