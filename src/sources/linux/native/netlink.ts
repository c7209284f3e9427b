/** Opens the netlink socket of the kernel's proc connector, and receives many messages with one call. */

import { constants } from 'node:os'
import { connectorIndex, listenMessage } from '../parse/connector.ts'
import { denialWithout } from '../parse/denial.ts'
import { BatchReceiver } from './batch-receiver.ts'
import { readSurroundings } from './denial-facts.ts'
import { bind, closeFd, errorNumber, nameOfErrno, send, setsockopt, socket } from './libc.ts'

const afNetlink = 16
const sockDgram = 2
const sockCloexec = 0o2000000
const netlinkConnector = 11
const solSocket = 1
const soRcvbuf = 8
const soRcvtimeo = 20
const soRcvbufforce = 33
const receiveBufferBytes = 8 * 1024 * 1024
export const waitMsMax = 100
export const batchMessagesMax = 512
const slotBytes = 128

export type Received =
  | { readonly result: 'messages'; readonly count: number }
  | { readonly result: 'nothing' }
  | { readonly result: 'overflow' }
  | { readonly result: 'failed'; readonly reason: string }

function timeValue(milliseconds: number): Buffer {
  const value = Buffer.alloc(16)
  value.writeBigInt64LE(BigInt(Math.floor(milliseconds / 1000)), 0)
  value.writeBigInt64LE(BigInt((milliseconds % 1000) * 1000), 8)
  return value
}

function int32(number: number): Buffer {
  const value = Buffer.alloc(4)
  value.writeInt32LE(number)
  return value
}

export class ConnectorSocket {
  readonly #fd: number
  readonly #receiver: BatchReceiver

  private constructor(fd: number) {
    this.#fd = fd
    this.#receiver = new BatchReceiver(fd, batchMessagesMax, slotBytes)
  }

  get messages(): Buffer {
    return this.#receiver.messages
  }

  /** Opens a socket that joins the connector's multicast group. Returns the reason if it cannot. */
  static open(): ConnectorSocket | string {
    const fd = socket(afNetlink, sockDgram | sockCloexec, netlinkConnector)
    if (fd < 0) return `no netlink socket for the proc connector: ${nameOfErrno(errorNumber())}`
    const address = Buffer.alloc(12)
    address.writeUInt16LE(afNetlink, 0)
    address.writeUInt32LE(1 << (connectorIndex - 1), 8)
    if (bind(fd, address, address.length) < 0) {
      const error = errorNumber()
      closeFd(fd)
      const denied = error === constants.errno.EPERM || error === constants.errno.EACCES
      return `the proc connector refused: ${denied ? denialWithout(['CAP_NET_ADMIN'], readSurroundings()) : nameOfErrno(error)}`
    }
    const size = int32(receiveBufferBytes)
    if (setsockopt(fd, solSocket, soRcvbufforce, size, size.length) < 0)
      setsockopt(fd, solSocket, soRcvbuf, size, size.length)
    const wait = timeValue(waitMsMax)
    setsockopt(fd, solSocket, soRcvtimeo, wait, wait.length)
    return new ConnectorSocket(fd)
  }

  /** Returns null, or the reason why the request could not be sent. */
  request(token: number, listen: boolean): string | null {
    const message = listenMessage(token, listen)
    if (send(this.#fd, message, message.length, 0) >= 0) return null
    const error = errorNumber()
    const why =
      error === constants.errno.ECONNREFUSED ? 'this is not the initial network namespace' : nameOfErrno(error)
    return `the proc connector rejected the request: ${why}`
  }

  /** Waits up to 100 ms for the first message and takes all others that are there by then. */
  receive(): Received {
    const count = this.#receiver.receive(batchMessagesMax)
    if (count > 0) return { result: 'messages', count }
    const error = errorNumber()
    if (count === 0 || error === constants.errno.EAGAIN || error === constants.errno.EINTR) return { result: 'nothing' }
    if (error === constants.errno.ENOBUFS) return { result: 'overflow' }
    return { result: 'failed', reason: `the proc connector failed: ${nameOfErrno(error)}` }
  }

  startOf(slot: number): number {
    return this.#receiver.startOf(slot)
  }

  lengthOf(slot: number): number {
    return this.#receiver.lengthOf(slot)
  }

  close(): void {
    closeFd(this.#fd)
  }
}
