/**
 * How much each process ran, asked of the kernel for many processes with one call. Only an aid to reading less: where it
 * is refused (it needs CAP_NET_ADMIN) or the kernel does not keep the figures, every thread is looked at.
 */

import {
  familyRequest,
  parseAnswer,
  parseFamily,
  type RunTotals,
  requestBytes,
  writeRequest,
} from '../parse/taskstats.ts'
import { BatchReceiver } from './batch-receiver.ts'
import { bind, closeFd, send, setsockopt, socket } from './libc.ts'

const afNetlink = 16
const sockRaw = 3
const sockCloexec = 0o2000000
const netlinkGeneric = 16
const solSocket = 1
const soRcvtimeo = 20
const soRcvbufforce = 33
// Enough for the answers to a batch, which wait until all of it is sent.
const receiveBufferBytes = 2 * 1024 * 1024
const batchMax = 128
const answerBytes = 1024
const waitMicroseconds = 200_000

function bufferOf(bytes: number, fill: (buffer: Buffer) => void): Buffer {
  const buffer = Buffer.alloc(bytes)
  fill(buffer)
  return buffer
}

export class TaskStats {
  readonly #fd: number
  readonly #family: number
  readonly #receiver: BatchReceiver
  readonly #requests = Buffer.alloc(batchMax * requestBytes)
  readonly #totals: RunTotals = { sequence: 0, timesRun: -1, runNs: -1 }
  #sequence = 0

  private constructor(fd: number, family: number) {
    this.#fd = fd
    this.#family = family
    this.#receiver = new BatchReceiver(fd, batchMax, answerBytes)
  }

  /** Null where it cannot be used. */
  static open(): TaskStats | null {
    const fd = socket(afNetlink, sockRaw | sockCloexec, netlinkGeneric)
    if (fd < 0) return null
    const found = TaskStats.#on(fd)
    if (found === null) closeFd(fd)
    return found
  }

  static #on(fd: number): TaskStats | null {
    const address = bufferOf(12, (buffer) => buffer.writeUInt16LE(afNetlink, 0))
    if (bind(fd, address, address.length) < 0) return null
    const wait = bufferOf(16, (buffer) => buffer.writeUInt32LE(waitMicroseconds, 8))
    setsockopt(fd, solSocket, soRcvtimeo, wait, wait.length)
    const size = bufferOf(4, (buffer) => buffer.writeUInt32LE(receiveBufferBytes))
    setsockopt(fd, solSocket, soRcvbufforce, size, size.length)
    const request = familyRequest()
    if (send(fd, request, request.length, 0) < 0) return null
    const receiver = new BatchReceiver(fd, 1, answerBytes)
    if (receiver.receive(1) !== 1) return null
    const family = parseFamily(receiver.messages, receiver.lengthOf(0))
    if (family === null) return null
    const stats = new TaskStats(fd, family)
    // A kernel that does not count says zero of everybody.
    let counts = false
    stats.read([process.pid], (_, timesRun, runNs) => {
      counts = timesRun > 0 && runNs > 0
    })
    return counts ? stats : null
  }

  /** Tells of each process how often its threads ran, and how long; -1 for those that are gone. False where the kernel did not answer. */
  read(pids: readonly number[], tell: (index: number, timesRun: number, runNs: number) => void): boolean {
    for (let begin = 0; begin < pids.length; begin += batchMax)
      if (!this.#readBatch(pids, begin, Math.min(batchMax, pids.length - begin), tell)) return false
    return true
  }

  #readBatch(
    pids: readonly number[],
    begin: number,
    count: number,
    tell: (index: number, timesRun: number, runNs: number) => void,
  ): boolean {
    // Answers to a batch that was given up come late: numbers that are not of this batch are passed over.
    const first = this.#sequence
    this.#sequence = (this.#sequence + count) >>> 0
    for (let place = 0; place < count; place++) {
      const request = { family: this.#family, sequence: (first + place) >>> 0, pid: pids[begin + place]! }
      writeRequest(this.#requests, place * requestBytes, request)
    }
    if (send(this.#fd, this.#requests, count * requestBytes, 0) < 0) return false
    for (let left = count; left > 0; ) {
      const got = this.#receiver.receive(left)
      if (got <= 0) return false
      for (let slot = 0; slot < got; slot++) {
        const receiver = this.#receiver
        const totals = this.#totals
        if (!parseAnswer(receiver.messages, receiver.startOf(slot), receiver.lengthOf(slot), totals)) return false
        const place = (totals.sequence - first) >>> 0
        if (place >= count) continue
        left--
        tell(begin + place, totals.timesRun, totals.runNs)
      }
    }
    return true
  }

  close(): void {
    closeFd(this.#fd)
  }
}
