/**
 * Files of /proc that are read again and again: kept open within a budget of descriptors, read at position 0 into one
 * buffer. Nothing here throws: results below zero are error numbers, negated, because processes end at any time.
 */

import { readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { parseLimits } from '../parse/limits.ts'
import { closeFd, errorNumber, openFd, pread, statx } from './libc.ts'
import { listNumberedEntries } from './numbered-entries.ts'

const { EMFILE, ENFILE, ENOENT, ESRCH, EACCES, EPERM } = constants.errno
const openFlags = 0o2000000 // O_RDONLY | O_CLOEXEC
const reserveFds = 1024
const keptShareMax = 0.75
// What is not armed leaves this part of the budget to what will be.
const unarmedShareMax = 0.75
// What is not read in every pass leaves part of it to what is.
const seldomReadFrom = 3
const seldomShareMax = 0.6
const evictedAtOnce = 256
const slower = 'files are opened for each reading, which is slower'
const wholeFileBytesMax = 64 * 1024 * 1024

export function isGone(result: number): boolean {
  return result === -ESRCH || result === -ENOENT
}

export function isDenied(result: number): boolean {
  return result === -EACCES || result === -EPERM
}

/** One file, open or not. */
export class ProcFile {
  readonly path: string
  fd = -1
  reads = 0

  constructor(path: string) {
    this.path = path
  }
}

// struct statx, the same on every machine.
const atEmptyPath = 0x1000
const wantedOfStat = 0x204 // links and size
const linksAt = 16
const sizeAt = 40

/** What is left to others: connections, above all. Where there are few in all it is half of them. */
function reservedOf(soft: number): number {
  return Math.min(reserveFds, Math.ceil(soft / 2))
}

function softLimit(): number {
  return parseLimits(readFileSync('/proc/self/limits', 'latin1')).nofile?.soft ?? reserveFds
}

function budgetOfProcess(): number {
  const soft = softLimit()
  return Math.min(soft - reservedOf(soft), Math.floor(soft * keptShareMax))
}

/** How many descriptors could be taken at this moment, and others would still have theirs. */
function spareOfProcess(): number {
  const soft = softLimit()
  return soft - readdirSync('/proc/self/fd').length - reservedOf(soft)
}

/** Descriptors that this process may have beside those that are kept here. */
export function descriptorsLeft(): number {
  return softLimit() - budgetOfProcess()
}

export class ProcFiles {
  /** Where every reading lands. */
  bytes: Buffer = Buffer.allocUnsafeSlow(64 * 1024)
  /** Of the directory looked at last. */
  size = 0
  links = 0
  readonly #status = Buffer.alloc(256)
  readonly #kept = new Set<ProcFile>()
  readonly #keptFds = new Set<number>()
  readonly #fullBudget: number
  readonly #spare: () => number
  #budget: number
  #shortage: string | null = null
  #ranOut = false
  #starved = false

  constructor(budget = budgetOfProcess(), spare = spareOfProcess) {
    this.#fullBudget = budget
    this.#spare = spare
    this.#budget = budget
  }

  /** Whether that descriptor is of a file kept open here. */
  keeps(fd: number): boolean {
    return this.#keptFds.has(fd)
  }

  /** Why not all that is armed was kept open since this was asked last; null where there was room for it. */
  takeShortage(): string | null {
    const shortage = this.#shortage
    if (!this.#ranOut && this.#budget < this.#fullBudget) this.#growBack()
    this.#shortage = null
    this.#ranOut = false
    return shortage
  }

  /** Whether since this was asked last something could not be looked at for want of a descriptor, although all were given back. */
  takeStarved(): boolean {
    const starved = this.#starved
    this.#starved = false
    return starved
  }

  /** As `listNumbers`: where descriptors ran out after some were given back. */
  list(directory: string): number[] | number {
    const listed = listNumberedEntries(directory)
    if (listed !== -EMFILE && listed !== -ENFILE) return listed
    this.#evict(-listed)
    const again = listNumberedEntries(directory)
    if (again === listed) this.#starved = true
    return again
  }

  /** Half of what nobody needs at a time: whoever took the others may come again. */
  #growBack(): void {
    try {
      this.#budget = Math.min(this.#fullBudget, this.#budget + Math.max(0, Math.ceil(this.#spare() / 2)))
    } catch {
      // There is not even a descriptor to count them by: it stays as it is.
    }
  }

  get openCount(): number {
    return this.#kept.size
  }

  /** Reads a small file. It is kept open from its `keepFrom`-th reading on, if the budget has room. Returns the length. */
  read(file: ProcFile, armed = false, keepFrom = 1): number {
    return this.readFrom(file, 0, 4096, armed, keepFrom)
  }

  /** The same of `bytes` bytes at a position. */
  readFrom(file: ProcFile, position: number, bytes: number, armed: boolean, keepFrom: number): number {
    if (file.fd >= 0) {
      const length = pread(file.fd, this.bytes, bytes, position)
      return length >= 0 ? length : -errorNumber()
    }
    const fd = this.#open(file.path)
    if (fd < 0) return fd
    const length = pread(fd, this.bytes, bytes, position)
    const result = length >= 0 ? length : -errorNumber()
    this.#keepOrClose(file, fd, armed, keepFrom, result)
    return result
  }

  /** Reads a file to its end. Returns the length of what is in `bytes` now, which grows as needed. */
  readOnce(path: string): number {
    const fd = this.#open(path)
    if (fd < 0) return fd
    let length = 0
    for (;;) {
      const got = pread(fd, this.bytes.subarray(length), this.bytes.length - length, length)
      if (got <= 0) {
        const result = got === 0 ? length : -errorNumber()
        closeFd(fd)
        return result
      }
      length += got
      if (length < this.bytes.length) continue
      if (length >= wholeFileBytesMax) {
        closeFd(fd)
        return length
      }
      const grown = Buffer.allocUnsafeSlow(length * 2)
      this.bytes.copy(grown)
      this.bytes = grown
    }
  }

  /** Reads `bytes` bytes at a position of a file that is opened for it, into `into`. */
  readAt(path: string, into: Uint8Array, bytes: number, position: number): number {
    const fd = this.#open(path)
    if (fd < 0) return fd
    const length = pread(fd, into, bytes, position)
    const result = length >= 0 ? length : -errorNumber()
    closeFd(fd)
    return result
  }

  /** Looks at a directory: sets `size` and `links`. Returns 0, or an error number. */
  stat(directory: ProcFile, armed = false, keepFrom = 1): number {
    if (directory.fd >= 0) return this.#look(directory.fd, '', atEmptyPath)
    if (directory.reads + 1 < keepFrom || !this.#hasRoom(armed, keepFrom)) {
      directory.reads++
      return this.#look(0, directory.path, 0)
    }
    const fd = this.#open(directory.path)
    // A directory of another user cannot be opened, but its size can be told.
    if (fd < 0) return isDenied(fd) ? this.#look(0, directory.path, 0) : fd
    const result = this.#look(fd, '', atEmptyPath)
    this.#keepOrClose(directory, fd, armed, keepFrom, result)
    return result
  }

  #look(fd: number, path: string, flags: number): number {
    if (statx(fd, path, flags, wantedOfStat, this.#status) !== 0) return -errorNumber()
    this.links = this.#status.readUInt32LE(linksAt)
    this.size = this.#status.readUInt32LE(sizeAt)
    return 0
  }

  forget(file: ProcFile): void {
    if (file.fd < 0) return
    closeFd(file.fd)
    this.#keptFds.delete(file.fd)
    file.fd = -1
    file.reads = 0
    this.#kept.delete(file)
  }

  closeAll(): void {
    for (const file of [...this.#kept]) this.forget(file)
  }

  #hasRoom(armed: boolean, keepFrom: number): boolean {
    const share = armed ? 1 : keepFrom >= seldomReadFrom ? seldomShareMax : unarmedShareMax
    const hasRoom = this.#kept.size < this.#budget * share
    if (!hasRoom && armed)
      this.#shortage ??= `RLIMIT_NOFILE leaves room for ${Math.floor(this.#budget)} open files of /proc: ${slower}`
    return hasRoom
  }

  #keepOrClose(file: ProcFile, fd: number, armed: boolean, keepFrom: number, result: number): void {
    file.reads++
    if (result < 0 || file.reads < keepFrom || !this.#hasRoom(armed, keepFrom)) {
      closeFd(fd)
      return
    }
    file.fd = fd
    this.#kept.add(file)
    this.#keptFds.add(fd)
  }

  #open(path: string): number {
    const fd = openFd(path, openFlags)
    if (fd >= 0) return fd
    const error = errorNumber()
    if (error !== EMFILE && error !== ENFILE) return -error
    return this.#openAfterEviction(path, error)
  }

  #openAfterEviction(path: string, error: number): number {
    this.#evict(error)
    const fd = openFd(path, openFlags)
    if (fd >= 0) return fd
    const again = errorNumber()
    if (again === error) this.#starved = true
    return -again
  }

  /** Descriptors ran out below our budget: somebody else took them. Gives some back, and keeps fewer from now on. */
  #evict(error: number): void {
    let left = evictedAtOnce
    for (const file of this.#kept) {
      if (left-- === 0) break
      this.forget(file)
    }
    this.#budget = this.#kept.size
    this.#ranOut = true
    this.#shortage = `descriptors ran out (${error === EMFILE ? 'EMFILE' : 'ENFILE'}): ${slower}`
  }
}
