/**
 * Sends the state of all nodes that match a subscription, as events of type `snapshot.node`. The state is captured in
 * one tick of the event loop, and sent as fast as the client reads.
 */

import { cursorText } from '../base/cursor.ts'

export interface SnapshotNode {
  readonly path: string
  /** The view as JSON. The buffer must not change any more. */
  readonly view: Buffer
}

export interface SnapshotOptions {
  readonly source: string
  /** The snapshot contains the effects of every event up to and including this sequence. */
  readonly cursor: number
  /** Unix time in ms. */
  readonly time: number
  /** Returns a number that is unique among the snapshot events of this service. */
  readonly nextNumber: () => number
  /** Called when the snapshot frees its memory, with the bytes of its views. */
  readonly onRelease: (bytes: number) => void
}

export class Snapshot {
  readonly bytes: number
  readonly #options: SnapshotOptions
  readonly #time: string
  #nodes: readonly SnapshotNode[]
  #at = 0

  constructor(nodes: readonly SnapshotNode[], options: SnapshotOptions) {
    this.#nodes = nodes
    this.#options = options
    this.#time = new Date(options.time).toISOString()
    this.bytes = nodes.reduce((sum, { view }) => sum + view.length, 0)
  }

  /**
   * The next node as a CloudEvent; null at the end. It has no `sequence`, because it reports a state and not a change.
   */
  next(): Buffer | null {
    const node = this.#nodes[this.#at++]
    if (node === undefined) return null
    const { source, cursor, nextNumber } = this.#options
    const envelope = JSON.stringify({
      specversion: '1.0',
      id: `snapshot-${cursorText(cursor)}-${nextNumber()}`,
      source,
      type: 'snapshot.node',
      subject: node.path,
      time: this.#time,
    })
    return Buffer.concat([Buffer.from(`${envelope.slice(0, -1)},"data":`), node.view, Buffer.from('}')])
  }

  /** Frees the memory. A second call does nothing. */
  release(): void {
    if (this.#nodes.length > 0) this.#options.onRelease(this.bytes)
    this.#nodes = []
  }
}
