/**
 * Builds and parses messages of the kernel's taskstats interface (generic netlink). It reports how often and how long
 * all threads of a process ran, summed by the kernel, in one answer for each process.
 */

const headerBytes = 16
const genericHeaderBytes = 4
const messageError = 2
const commandGet = 1
const attributeTgid = 2
const aggregateTgid = 5
const attributeStats = 3
const flagRequest = 1
// Offsets in struct taskstats; older versions have the same beginning.
const cpuCountAt = 16
const cpuRunVirtualAt = 72
const statsBytesMin = 80

const familyControl = 16
const commandGetFamily = 3
const attributeFamilyId = 1
const attributeFamilyName = 2

/** Size of one request. */
export const requestBytes = headerBytes + genericHeaderBytes + 8

function writeHeader(into: Buffer, at: number, fields: { length: number; type: number; sequence: number }): void {
  into.writeUInt32LE(fields.length, at)
  into.writeUInt16LE(fields.type, at + 4)
  into.writeUInt16LE(flagRequest, at + 6)
  into.writeUInt32LE(fields.sequence, at + 8)
  into.writeUInt32LE(0, at + 12)
}

export function writeRequest(
  into: Buffer,
  at: number,
  request: { family: number; sequence: number; pid: number },
): void {
  writeHeader(into, at, { length: requestBytes, type: request.family, sequence: request.sequence })
  const generic = at + headerBytes
  into.writeUInt32LE(commandGet | (1 << 8), generic)
  into.writeUInt16LE(8, generic + 4)
  into.writeUInt16LE(attributeTgid, generic + 6)
  into.writeUInt32LE(request.pid, generic + 8)
}

/** Requests the number of the taskstats family. */
export function familyRequest(): Buffer {
  const name = Buffer.from('TASKSTATS\0')
  const message = Buffer.alloc(headerBytes + genericHeaderBytes + 4 + 12)
  writeHeader(message, 0, { length: message.length, type: familyControl, sequence: 0 })
  message.writeUInt32LE(commandGetFamily | (1 << 8), headerBytes)
  message.writeUInt16LE(4 + name.length, headerBytes + genericHeaderBytes)
  message.writeUInt16LE(attributeFamilyName, headerBytes + genericHeaderBytes + 2)
  name.copy(message, headerBytes + genericHeaderBytes + 4)
  return message
}

/** Position of an attribute's value; -1 if the attribute is absent. */
function findAttribute(bytes: Buffer, begin: number, end: number, type: number): number {
  for (let at = begin; at + 4 <= end; ) {
    const length = bytes.readUInt16LE(at)
    if (length < 4) return -1
    if ((bytes.readUInt16LE(at + 2) & 0x3fff) === type) return at + 4
    at += (length + 3) & ~3
  }
  return -1
}

export function parseFamily(bytes: Buffer, length: number): number | null {
  if (length < headerBytes + genericHeaderBytes || bytes.readUInt16LE(4) === messageError) return null
  const at = findAttribute(bytes, headerBytes + genericHeaderBytes, length, attributeFamilyId)
  return at < 0 ? null : bytes.readUInt16LE(at)
}

export interface RunTotals {
  sequence: number
  /** Number of times its threads were put on a CPU, and for how many ns; -1 if there is no such process. */
  timesRun: number
  runNs: number
}

/** Parses one answer. Returns false if the bytes are no answer. */
export function parseAnswer(bytes: Buffer, start: number, length: number, into: RunTotals): boolean {
  if (length < headerBytes + genericHeaderBytes) return false
  into.sequence = bytes.readUInt32LE(start + 8)
  into.timesRun = -1
  into.runNs = -1
  if (bytes.readUInt16LE(start + 4) === messageError) return true
  const end = start + length
  const aggregate = findAttribute(bytes, start + headerBytes + genericHeaderBytes, end, aggregateTgid)
  const stats = aggregate < 0 ? -1 : findAttribute(bytes, aggregate, end, attributeStats)
  if (stats < 0 || stats + statsBytesMin > end) return false
  into.timesRun = uint64(bytes, stats + cpuCountAt)
  into.runNs = uint64(bytes, stats + cpuRunVirtualAt)
  return true
}

function uint64(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at + 4) * 0x1_0000_0000 + bytes.readUInt32LE(at)
}
