/** The state of all that a subscriber means, as events of type `snapshot.node`: taken in one tick, and sent as fast as it is read. */

import { cursorText } from '../base/cursor.ts'

export interface SnapshotNode {
  readonly path: string
  /** The view as JSON; nobody writes to it. */
  readonly view: Buffer
}

export interface SnapshotOptions {
  readonly source: string
  /** The cursor that it is consistent with. */
  readonly cursor: number
  /** ms of Unix time. */
  readonly time: number
  /** A number that no other event of a snapshot of this service has had. */
  readonly nextNumber: () => number
  /** What is not sent any more takes no room: bytes of views. */
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

  /** The next node as a CloudEvent; null where there is none. It has no `sequence`: nothing has happened. */
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

  /** Once is enough, and more does nothing. */
  release(): void {
    if (this.#nodes.length > 0) this.#options.onRelease(this.bytes)
    this.#nodes = []
  }
}
