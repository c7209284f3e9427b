/** Reads the descriptors of a process: the sockets it holds, and the largest file open for writing. */

import { constants as fileConstants } from 'node:fs'
import { constants } from 'node:os'
import { errorNumber, readlink, statx } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import { AttributeMounts } from './attribute-mounts.ts'

const { EACCES, EINVAL } = constants.errno
const { S_IFMT, S_IFREG } = fileConstants
const noFollow = 0x100
// AT_STATX_DONT_SYNC: a file system that does not answer (NFS, FUSE) must not block the scan, so its cached values are
// used.
const dontSync = 0x4000
const maskOfLink = 0x2 // mode
const maskOfFile = 0x201 // type and size
const modeAt = 28
const sizeAt = 40
const ownerMayWrite = 0o200
const socketPrefix = 'socket:['
// Files there have no size of their own.
const withoutSize = /^\/(?:proc\/|sys\/|dev\/(?!shm\/))/

// A process may have a billion; each takes some microseconds.
const descriptorsMax = 100_000
const tooMany = `it has more than ${descriptorsMax} descriptors: they are counted, and not looked into`

export interface FdTable {
  /** Inodes of its sockets. A socket with two descriptors is listed once. */
  readonly sockets: readonly number[]
  /** Bytes; 0 if no file is open for writing. */
  readonly largestFile: number
  /** The size of a file open for writing is unknown, because its file system may not answer. */
  readonly isPartial: boolean
  /** Number of descriptors that were read. */
  readonly count: number
}

export class FdTableReader {
  readonly #files: ProcFiles
  readonly #mounts: AttributeMounts
  readonly #link = Buffer.allocUnsafeSlow(64)
  readonly #status = Buffer.alloc(256)

  constructor(files: ProcFiles) {
    this.#files = files
    this.#mounts = new AttributeMounts(files)
  }

  /** A number below zero is a negated error number; a string is another reason why it is not read. */
  read({ isSelf, fds: known, livePath, fdDirectory: { path: directory } }: TrackedProcess): FdTable | number | string {
    if (known > descriptorsMax) return tooMany
    const fds = this.#files.list(directory)
    if (typeof fds === 'number') return fds
    // Our own open files of /proc are skipped: they are neither sockets nor open for writing, and may be most of our
    // descriptors.
    const sockets = new Set<number>()
    // Our own directory has one more descriptor while it is listed.
    let count = isSelf ? -1 : 0
    let largestFile = 0
    let isPartial = false
    const now = performance.now()
    for (const fd of fds) {
      if (isSelf && this.#files.holds(fd)) continue
      count++
      const path = `${directory}/${fd}`
      const length = readlink(path, this.#link, this.#link.length)
      if (length < 0) {
        const error = errorNumber()
        // The directory can be listed but its links cannot be read, or the entries are copies and not links.
        if (error === EACCES || error === EINVAL) return -error
        continue // closed meanwhile
      }
      const target = this.#link.toString('latin1', 0, length)
      if (target.startsWith(socketPrefix)) sockets.add(Number.parseInt(target.slice(socketPrefix.length), 10))
      else if (target.startsWith('/') && !withoutSize.test(target) && this.#isWritten(path)) {
        if (this.#mounts.holds(livePath, fd, now)) largestFile = Math.max(largestFile, this.#sizeOf(path))
        else isPartial = true
      }
    }
    return { sockets: [...sockets], largestFile, isPartial, count }
  }

  /** Whether a failure of `read` means that the process has ended. */
  hasEnded({ fdDirectory }: TrackedProcess, result: number): boolean {
    return this.#files.hasEnded(result, fdDirectory)
  }

  /** The link has its owner's write permission exactly if the descriptor was opened for writing. */
  #isWritten(path: string): boolean {
    const status = this.#status
    if (statx(0, path, noFollow, maskOfLink, status) !== 0) return false
    return (status.readUInt16LE(modeAt) & ownerMayWrite) !== 0
  }

  #sizeOf(path: string): number {
    const status = this.#status
    if (statx(0, path, dontSync, maskOfFile, status) !== 0) return 0
    if ((status.readUInt16LE(modeAt) & S_IFMT) !== S_IFREG) return 0
    return status.readUInt32LE(sizeAt + 4) * 0x1_0000_0000 + status.readUInt32LE(sizeAt)
  }
}
