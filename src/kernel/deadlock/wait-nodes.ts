/**
 * Stores the nodes of the wait-for graph: threads which wait or are waited for, locks which are waited for, and
 * processes. A node is a small integer, an index of typed arrays, which its object stores as `waitNode`; 0 is none. A
 * thread which never waits and is never waited for has none. Hot path: arrays of integers, plainer than the rest
 * (benchmark: deadlock-walk).
 */

import { assert } from '../errno.ts'
import type { Process } from '../nodes/process.ts'
import type { Thread } from '../nodes/thread.ts'
import type { Lock } from '../nodes/wait.ts'

export const kinds = { free: 0, thread: 1, lock: 2, process: 3 } as const

const { free, thread: ofThread, lock: ofLock, process: ofProcess } = kinds

/** Null: no such node is in use. */
type Owner = Thread | Lock | Process | null

export class WaitNodes {
  kind = new Uint8Array(64)
  /** For a thread: its process. */
  process = new Int32Array(64)
  /** For a process: number of threads which have not ended. */
  living = new Int32Array(64)
  /** For a process: the first of its waiting threads. The next two columns link these threads. */
  firstMember = new Int32Array(64)
  nextMember = new Int32Array(64)
  previousMember = new Int32Array(64)
  /** Called with each new size, so that other arrays grow too. */
  readonly #followers: ((size: number) => void)[] = []
  readonly #objects: Owner[] = [null]
  #unused: number[] = []
  /** Given back, and perhaps still named in this update: so many at the beginning of the array. */
  #returnedCount = 0
  readonly #returned: number[] = []

  /** `grow` is called with each new size. */
  follow(grow: (size: number) => void): void {
    this.#followers.push(grow)
  }

  /** In use or not, all are below. */
  get end(): number {
    return this.#objects.length
  }

  thread(thread: Thread): number {
    if (thread.waitNode !== 0) return thread.waitNode
    const process = this.ofProcess(thread.parent)
    thread.waitNode = this.#take(ofThread, thread)
    this.process[thread.waitNode] = process
    return thread.waitNode
  }

  lock(lock: Lock): number {
    if (lock.waitNode === 0) lock.waitNode = this.#take(ofLock, lock)
    return lock.waitNode
  }

  ofProcess(process: Process): number {
    if (process.waitNode === 0) process.waitNode = this.#take(ofProcess, process)
    return process.waitNode
  }

  /** Frees a node, whose number is used again after `recycle`. Preconditions: it has no edge, and no waiters. */
  giveBack(node: number): void {
    const object = this.#objects[node]
    assert(object, 'a node that is given back was in use')
    object.waitNode = 0
    this.#objects[node] = null
    this.kind[node] = free
    this.living[node] = 0
    this.process[node] = 0
    this.#returned[this.#returnedCount++] = node
  }

  recycle(): void {
    for (let place = 0; place < this.#returnedCount; place++) this.#unused.push(this.#returned[place]!)
    this.#returnedCount = 0
  }

  isUsed(node: number): boolean {
    return this.kind[node] !== free
  }

  /** The thread of a node; null if the node is no thread. */
  threadAt(node: number): Thread | null {
    return this.kind[node] === ofThread ? (this.#objects[node] as Thread) : null
  }

  /** Preconditions: it is a thread that has begun to wait. */
  join(node: number): void {
    const process = this.process[node]!
    const first = this.firstMember[process]!
    this.nextMember[node] = first
    this.previousMember[node] = 0
    if (first !== 0) this.previousMember[first] = node
    this.firstMember[process] = node
  }

  /** Preconditions: it waits no more. */
  leave(node: number): void {
    const [next, previous] = [this.nextMember[node]!, this.previousMember[node]!]
    if (next !== 0) this.previousMember[next] = previous
    if (previous !== 0) this.nextMember[previous] = next
    else this.firstMember[this.process[node]!] = next
  }

  #take(kind: number, object: Exclude<Owner, null>): number {
    const reused = this.#unused.pop()
    const node = reused ?? this.#objects.length
    if (node >= this.kind.length) this.#grow(this.kind.length * 2)
    this.#objects[node] = object
    this.kind[node] = kind
    return node
  }

  #grow(size: number): void {
    this.kind = resized(this.kind, new Uint8Array(size))
    this.process = resized(this.process, new Int32Array(size))
    this.living = resized(this.living, new Int32Array(size))
    this.firstMember = resized(this.firstMember, new Int32Array(size))
    this.nextMember = resized(this.nextMember, new Int32Array(size))
    this.previousMember = resized(this.previousMember, new Int32Array(size))
    for (const grow of this.#followers) grow(size)
  }
}

export function resized<A extends Int32Array | Uint8Array>(from: A, to: A): A {
  to.set(from)
  return to
}
