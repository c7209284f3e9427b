/** Looks through the descriptors of a process: which sockets it holds, and the largest file that it may write to. */

import { constants as fileConstants, readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { errorNumber, readlink, statx } from './libc.ts'

const { EACCES, ENOENT } = constants.errno
const { S_IFMT, S_IFREG } = fileConstants
const noFollow = 0x100
const wantedOfLink = 0x2 // mode
const wantedOfFile = 0x201 // type and size
const modeAt = 28
const sizeAt = 40
const ownerMayWrite = 0o200
const socketPrefix = Buffer.from('socket:[')
const slash = 0x2f

export interface FdTable {
  readonly inodes: readonly number[]
  /** Bytes; 0 where no file is open for writing. */
  readonly largestFile: number
  /** How many descriptors were looked at. */
  readonly looked: number
}

export class FdTableReader {
  private readonly link = Buffer.allocUnsafeSlow(64)
  private readonly status = Buffer.alloc(256)

  /** A number below zero is an error's. */
  read(directory: string): FdTable | number {
    let names: string[]
    try {
      names = readdirSync(directory)
    } catch (error) {
      return error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? error.errno : -ENOENT
    }
    const inodes: number[] = []
    let largestFile = 0
    for (const name of names) {
      const path = `${directory}/${name}`
      const length = readlink(path, this.link, this.link.length)
      if (length < 0) {
        // The directory can be listed, what is in it not be looked at.
        if (errorNumber() === EACCES) return -EACCES
        continue // closed meanwhile
      }
      if (this.link[0] === slash) largestFile = Math.max(largestFile, this.sizeIfWritten(path))
      else if (this.link.subarray(0, socketPrefix.length).equals(socketPrefix))
        inodes.push(Number.parseInt(this.link.toString('latin1', socketPrefix.length, length), 10))
    }
    return { inodes, largestFile, looked: names.length }
  }

  /** The link itself has the owner's right to write exactly where the descriptor was opened for it. */
  private sizeIfWritten(path: string): number {
    const { status } = this
    if (statx(0, path, noFollow, wantedOfLink, status) !== 0) return 0
    if ((status.readUInt16LE(modeAt) & ownerMayWrite) === 0) return 0
    if (statx(0, path, 0, wantedOfFile, status) !== 0) return 0
    if ((status.readUInt16LE(modeAt) & S_IFMT) !== S_IFREG) return 0
    return status.readUInt32LE(sizeAt + 4) * 0x1_0000_0000 + status.readUInt32LE(sizeAt)
  }
}
