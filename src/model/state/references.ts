/**
 * How the objects of a state name each other: by their ids. What has ended, and is still named by what lives, stands in
 * lists of its own: a thread that ended with a mutex, a channel whose connections are not detached yet, their processes.
 */

import { KernelError } from '../../kernel/errno.ts'
import { initialRlimits } from '../calls/rlimit-changes.ts'
import type { Machine } from '../machine.ts'
import { Channel } from '../objects/channel.ts'
import { ModelProcess } from '../objects/model-process.ts'
import { ModelThread } from '../objects/model-thread.ts'

/** A place in one of the lists of what has ended. */
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

/** What has ended, each at the place where it was first named. */
class Roll<T> {
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

/** Names objects as they are exported. */
export class References {
  readonly #machine: Machine
  readonly #processes = new Roll<ModelProcess>()
  readonly #threads = new Roll<ModelThread>()
  readonly #channels = new Roll<Channel>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  process(process: ModelProcess): ProcessRef {
    return this.#isThere(process) ? process.pid : this.#processes.refer(process)
  }

  thread(thread: ModelThread): ThreadRef {
    const { parent, tid } = thread
    const isThere = this.#isThere(parent) && parent.threads.get(tid) === thread
    return isThere ? [parent.pid, tid] : this.#threads.refer(thread)
  }

  channel(channel: Channel): ChannelRef {
    return channel.destroyed ? this.#channels.refer(channel) : [channel.owner.pid, channel.chid]
  }

  /** Preconditions: all else has been exported. */
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

  #isThere(process: ModelProcess): boolean {
    return this.#machine.processes.find(process.pid) === process
  }
}

/** Finds objects by their names as they are imported. Preconditions: all processes and threads that live are there. */
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

/** What a state names is in it. @throws EINVAL */
export function there<T>(found: T | undefined): T {
  if (found === undefined) throw new KernelError('EINVAL', 'it names what is not in the state')
  return found
}

/** Loads what stands at a place of a state, a JSON pointer without its first stroke. @throws EINVAL naming the place of what is wrong */
export function at<T>(place: string, load: () => T): T {
  try {
    return load()
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
    const field = error.field === null ? place : `${place}/${error.field}`
    throw new KernelError('EINVAL', error.message, { field })
  }
}

/** The same for each of a list that stands at a place. */
export function atEach<T, R>(place: string, list: readonly T[], load: (item: T) => R): R[] {
  return list.map((item, index) => at(`${place}/${index}`, () => load(item)))
}

/** Each revision is given once, and no later one will be the same: clients hold on to them. @throws EINVAL */
export function checkRevisions(place: string, all: readonly { readonly revision: number }[], next: number): void {
  const seen = new Set<number>()
  for (const [index, { revision }] of all.entries())
    at(`${place}/${index}/revision`, () => {
      if (revision >= next) throw new KernelError('EINVAL', `the next revision is ${next}`)
      if (seen.has(revision)) throw new KernelError('EINVAL', 'another one has this revision')
      seen.add(revision)
    })
}
