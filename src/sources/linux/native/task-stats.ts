/**
 * Reads from taskstats how long each process ran, for many processes with one call. It only saves reading: if it is
 * refused (it needs CAP_NET_ADMIN) or the kernel does not collect the figures, every thread is read instead.
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
// Room for the answers to a whole batch, which wait until all requests are sent.
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

  /** Null if taskstats cannot be used. */
  static open(): TaskStats | null {
    const fd = socket(afNetlink, sockRaw | sockCloexec, netlinkGeneric)
    if (fd < 0) return null
    const found = TaskStats.#openOn(fd)
    if (found === null) closeFd(fd)
    return found
  }

  static #openOn(fd: number): TaskStats | null {
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
    // A kernel that does not collect the figures reports zero for every process.
    let counts = false
    stats.read([process.pid], (_, timesRun, runNs) => {
      counts = timesRun > 0 && runNs > 0
    })
    return counts ? stats : null
  }

  /**
   * Calls `onTotals` for each process with the number of times its threads ran, and for how long (ns); both are -1 if
   * the process has ended. Returns false if the kernel did not answer.
   */
  read(pids: readonly number[], onTotals: (index: number, timesRun: number, runNs: number) => void): boolean {
    for (let begin = 0; begin < pids.length; begin += batchMax)
      if (!this.#readBatch(pids, begin, Math.min(batchMax, pids.length - begin), onTotals)) return false
    return true
  }

  #readBatch(
    pids: readonly number[],
    begin: number,
    count: number,
    onTotals: (index: number, timesRun: number, runNs: number) => void,
  ): boolean {
    // Late answers to an abandoned batch may still arrive: answers with numbers outside this batch are ignored.
    const first = this.#sequence
    this.#sequence = (this.#sequence + count) >>> 0
    for (let index = 0; index < count; index++) {
      const request = { family: this.#family, sequence: (first + index) >>> 0, pid: pids[begin + index]! }
      writeRequest(this.#requests, index * requestBytes, request)
    }
    if (send(this.#fd, this.#requests, count * requestBytes, 0) < 0) return false
    for (let left = count; left > 0; ) {
      const received = this.#receiver.receive(left)
      if (received <= 0) return false
      for (let slot = 0; slot < received; slot++) {
        const receiver = this.#receiver
        const totals = this.#totals
        if (!parseAnswer(receiver.messages, receiver.startOf(slot), receiver.lengthOf(slot), totals)) return false
        const index = (totals.sequence - first) >>> 0
        if (index >= count) continue
        left--
        onTotals(begin + index, totals.timesRun, totals.runNs)
      }
    }
    return true
  }

  close(): void {
    closeFd(this.#fd)
  }
}
