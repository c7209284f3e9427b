/** Looks through the descriptors of a process: which sockets it holds, and the largest file that it may write to. */

import { constants as fileConstants } from 'node:fs'
import { constants } from 'node:os'
import { errorNumber, readlink, statx } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'

const { EACCES, EINVAL } = constants.errno
const { S_IFMT, S_IFREG } = fileConstants
const noFollow = 0x100
// A file system that does not answer (NFS, FUSE) must not hold up the scan: what it said last will do.
const asCached = 0x4000
const wantedOfLink = 0x2 // mode
const wantedOfFile = 0x201 // type and size
const modeAt = 28
const sizeAt = 40
const ownerMayWrite = 0o200
const socketPrefix = 'socket:['
// Nothing in there has a size of its own.
const withoutSize = /^\/(?:proc\/|sys\/|dev\/(?!shm\/))/

export interface FdTable {
  /** The inodes of its sockets. One that it has two descriptors for is one. */
  readonly sockets: readonly number[]
  /** Bytes; 0 where no file is open for writing. */
  readonly largestFile: number
  /** How many descriptors were looked at. */
  readonly looked: number
}

export class FdTableReader {
  readonly #files: ProcFiles
  readonly #link = Buffer.allocUnsafeSlow(64)
  readonly #status = Buffer.alloc(256)

  constructor(files: ProcFiles) {
    this.#files = files
  }

  /** A number below zero is an error's. */
  read({ isOwn, fdDirectory: { path: directory } }: TrackedProcess): FdTable | number {
    const fds = this.#files.list(directory)
    if (typeof fds === 'number') return fds
    // What we keep open of /proc is neither a socket nor open for writing, and may be most of what there is to look at.
    const sockets = new Set<number>()
    // Our own has one more while it is listed.
    let looked = isOwn ? -1 : 0
    let largestFile = 0
    for (const fd of fds) {
      if (isOwn && this.#files.keeps(fd)) continue
      looked++
      const path = `${directory}/${fd}`
      const length = readlink(path, this.#link, this.#link.length)
      if (length < 0) {
        const error = errorNumber()
        // The directory can be listed, but what is in it is not to be looked at, or they are no links but a copy.
        if (error === EACCES || error === EINVAL) return -error
        continue // closed meanwhile
      }
      const target = this.#link.toString('latin1', 0, length)
      if (target.startsWith(socketPrefix)) sockets.add(Number.parseInt(target.slice(socketPrefix.length), 10))
      else if (target.startsWith('/') && !withoutSize.test(target))
        largestFile = Math.max(largestFile, this.#sizeIfWritten(path))
    }
    return { sockets: [...sockets], largestFile, looked }
  }

  /** The link itself has its owner's right to write exactly where the descriptor was opened for writing. */
  #sizeIfWritten(path: string): number {
    const status = this.#status
    if (statx(0, path, noFollow, wantedOfLink, status) !== 0) return 0
    if ((status.readUInt16LE(modeAt) & ownerMayWrite) === 0) return 0
    if (statx(0, path, asCached, wantedOfFile, status) !== 0) return 0
    if ((status.readUInt16LE(modeAt) & S_IFMT) !== S_IFREG) return 0
    return status.readUInt32LE(sizeAt + 4) * 0x1_0000_0000 + status.readUInt32LE(sizeAt)
  }
}
