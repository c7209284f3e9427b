/** Receives many datagrams from a socket with one call of recvmmsg(2), each into its own slot. */

import { addressOf, recvmmsg } from './libc.ts'

const msgWaitforone = 0x10000
// struct mmsghdr on 64-bit Linux: a msghdr of 56 bytes, then the received length.
const headerBytes = 64
const ioVectorAt = 16
const ioCountAt = 24
const flagsAt = 48
const receivedAt = 56

export class BatchReceiver {
  readonly messages: Buffer
  readonly #fd: number
  readonly #slotBytes: number
  readonly #headers: Buffer
  readonly #vectors: Buffer

  constructor(fd: number, slots: number, slotBytes: number) {
    this.#fd = fd
    this.#slotBytes = slotBytes
    this.messages = Buffer.alloc(slots * slotBytes)
    this.#headers = Buffer.alloc(slots * headerBytes)
    this.#vectors = Buffer.alloc(slots * 16)
    const messages = addressOf(this.messages)
    const vectors = addressOf(this.#vectors)
    for (let slot = 0; slot < slots; slot++) {
      this.#vectors.writeBigUInt64LE(messages + BigInt(slot * slotBytes), slot * 16)
      this.#vectors.writeBigUInt64LE(BigInt(slotBytes), slot * 16 + 8)
      this.#headers.writeBigUInt64LE(vectors + BigInt(slot * 16), slot * headerBytes + ioVectorAt)
      this.#headers.writeBigUInt64LE(1n, slot * headerBytes + ioCountAt)
    }
  }

  /**
   * Waits for the first message and takes all others that are there by then. Returns their number; below zero,
   * `errorNumber()` has the reason.
   */
  receive(countMax: number): number {
    for (let slot = 0; slot < countMax; slot++) this.#headers.writeInt32LE(0, slot * headerBytes + flagsAt)
    return recvmmsg(this.#fd, this.#headers, countMax, msgWaitforone, null)
  }

  startOf(slot: number): number {
    return slot * this.#slotBytes
  }

  lengthOf(slot: number): number {
    return Math.min(this.#headers.readUInt32LE(slot * headerBytes + receivedAt), this.#slotBytes)
  }
}
