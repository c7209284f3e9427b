/** Parses and builds messages of the kernel's proc connector. */

import { nameOfSignal } from '../signals.ts'
import { textUpToNul } from './byte-text.ts'

/** A message has `nlmsghdr` (16 bytes), `cn_msg` (20 bytes), then `proc_event`. */
const connectorAt = 16
const eventAt = connectorAt + 20
const dataAt = eventAt + 16

export const connectorIndex = 1
export const connectorValue = 1
const netlinkDone = 3

const kinds = {
  none: 0x0000_0000,
  fork: 0x0000_0001,
  exec: 0x0000_0002,
  uid: 0x0000_0004,
  name: 0x0000_0200,
  exit: 0x8000_0000,
} as const

/** Times are nanoseconds of CLOCK_MONOTONIC. */
export type ConnectorEvent = {
  readonly cpu: number
  readonly sequence: number
  readonly monotonicNs: number
} /** The answer to a request, ours or that of another listener; `token` is the request's. */ & (
  | { readonly what: 'acknowledged'; readonly token: number; readonly error: number }
  | { readonly what: 'fork'; readonly pid: number; readonly parent: number }
  | { readonly what: 'clone'; readonly pid: number; readonly tid: number }
  | { readonly what: 'exec'; readonly pid: number }
  | { readonly what: 'uid'; readonly pid: number; readonly uid: number }
  | { readonly what: 'name'; readonly pid: number; readonly tid: number; readonly name: string }
  | { readonly what: 'exit'; readonly pid: number; readonly tid: number; readonly status: number }
  /** An event that we do not use, but that counts in the sequence. */
  | { readonly what: 'other' }
)

/** Null if the bytes are not a whole message of the proc connector. */
export function parseConnectorMessage(bytes: Buffer, start: number, length: number): ConnectorEvent | null {
  if (length < dataAt + 8 || bytes.readUInt16LE(start + 4) !== netlinkDone) return null
  const message = start + connectorAt
  if (bytes.readUInt32LE(message) !== connectorIndex || bytes.readUInt32LE(message + 4) !== connectorValue) return null
  const sequence = bytes.readUInt32LE(message + 8)
  const kind = bytes.readUInt32LE(start + eventAt)
  const cpu = bytes.readUInt32LE(start + eventAt + 4)
  const monotonicNs = bytes.readUInt32LE(start + eventAt + 12) * 0x1_0000_0000 + bytes.readUInt32LE(start + eventAt + 8)
  const data = start + dataAt
  const field = (index: number): number => bytes.readInt32LE(data + 4 * index)
  const room = length - dataAt
  switch (kind) {
    case kinds.none: {
      const token = (bytes.readUInt32LE(message + 12) - 1) >>> 0
      return { what: 'acknowledged', token, error: bytes.readUInt32LE(data), cpu, sequence, monotonicNs }
    }
    case kinds.fork: {
      if (room < 16) return null
      const [tid, pid] = [field(2), field(3)]
      if (tid === pid) return { what: 'fork', pid, parent: field(1), cpu, sequence, monotonicNs }
      return { what: 'clone', pid, tid, cpu, sequence, monotonicNs }
    }
    case kinds.exec:
      return { what: 'exec', pid: field(1), cpu, sequence, monotonicNs }
    case kinds.uid:
      if (room < 16) return null
      return { what: 'uid', pid: field(1), uid: bytes.readUInt32LE(data + 12), cpu, sequence, monotonicNs }
    case kinds.name: {
      if (room < 24) return null
      const name = textUpToNul(bytes, data + 8, data + 24)
      return { what: 'name', pid: field(1), tid: field(0), name, cpu, sequence, monotonicNs }
    }
    case kinds.exit:
      if (room < 16) return null
      return { what: 'exit', pid: field(1), tid: field(0), status: field(2), cpu, sequence, monotonicNs }
    default:
      return { what: 'other', cpu, sequence, monotonicNs }
  }
}

/** Decodes a wait status: how a process or thread ended. One of the two is null. */
export function parseExitStatus(status: number): { readonly code: number | null; readonly signal: string | null } {
  const signal = status & 0x7f
  return signal === 0 ? { code: (status >> 8) & 0xff, signal: null } : { code: null, signal: nameOfSignal(signal) }
}

/** The request to the kernel to start or stop sending process events. */
export function listenMessage(token: number, listen: boolean): Buffer {
  const message = Buffer.alloc(eventAt + 4)
  message.writeUInt32LE(message.length, 0)
  message.writeUInt16LE(netlinkDone, 4)
  message.writeUInt32LE(connectorIndex, connectorAt)
  message.writeUInt32LE(connectorValue, connectorAt + 4)
  // The acknowledgement has a sequence number of its own. It repeats this number plus one.
  message.writeUInt32LE(token, connectorAt + 12)
  message.writeUInt16LE(4, connectorAt + 16)
  message.writeUInt32LE(listen ? 1 : 2, eventAt)
  return message
}
