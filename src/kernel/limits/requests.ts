/**
 * Remembers which limits clients have read lately. A source reads limits on demand for as long as a request holds, so
 * that a client which reads one again and again sees its present values.
 */

import { assert } from '../errno.ts'
import { type Dispose, Listeners } from '../listeners.ts'
import type { Node } from '../nodes/node.ts'

export interface RequestBounds {
  readonly holdMs: number
  /** Beyond so many, the oldest one ends. */
  readonly max: number
}

interface Request {
  readonly node: Node
  readonly index: number
  until: number
}

export class Requests {
  readonly #bounds: RequestBounds
  /** By pathname and limit, the oldest first. */
  readonly #requests = new Map<string, Request>()
  readonly #changed = new Listeners()

  constructor(bounds: RequestBounds) {
    assert(bounds.max > 0, 'there is room for a request')
    this.#bounds = bounds
  }

  /** Calls the listener after a request began or ended. */
  onChanged(listener: () => void): Dispose {
    return this.#changed.add(listener)
  }

  /** Begins or renews a request. */
  add(node: Node, index: number, now: number): void {
    const key = `${node.path} ${index}`
    const former = this.#requests.get(key)
    this.#requests.delete(key)
    const [oldest] = this.#requests.keys()
    if (this.#requests.size >= this.#bounds.max) this.#requests.delete(oldest!)
    this.#requests.set(key, { node, index, until: now + this.#bounds.holdMs })
    if (former?.node !== node) this.#changed.notify()
  }

  /** Leaves out nodes that have ended. */
  *all(): Iterable<Pick<Request, 'node' | 'index'>> {
    for (const request of this.#requests.values()) if (request.node.slot >= 0) yield request
  }

  /** Ends the requests that were not renewed. */
  expire(now: number): void {
    if (this.#requests.size === 0) return
    const before = this.#requests.size
    for (const [key, { until }] of this.#requests) if (until <= now) this.#requests.delete(key)
    if (this.#requests.size < before) this.#changed.notify()
  }
}
