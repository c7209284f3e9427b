/**
 * Reads files of /proc again and again: holds them open within a budget of descriptors and reads them at position 0
 * into one buffer. Nothing here throws, because processes end at any time: a result below zero is a negated error
 * number.
 */

import { constants } from 'node:os'
import { budgetOfProcess, spareOfProcess } from './descriptor-budget.ts'
import { closeFd, errorNumber, openFd, pread, statx } from './libc.ts'
import { listNumberedEntries } from './numbered-entries.ts'

const { EMFILE, ENFILE, ENOENT, ESRCH, EACCES, EPERM } = constants.errno
const openFlags = 0o2000000 // O_RDONLY | O_CLOEXEC
// Files that are not armed leave this part of the budget for armed ones.
const unarmedShareMax = 0.75
// Files that are not read in every pass leave part of it for those that are.
const seldomReadFrom = 3
const seldomShareMax = 0.6
const evictedAtOnce = 256
const slower = 'files are opened for each reading, which is slower'
const wholeFileBytesMax = 64 * 1024 * 1024

export function isGone(result: number): boolean {
  return result === -ESRCH || result === -ENOENT
}

export function isMissing(result: number): boolean {
  return result === -ENOENT
}

export function isDenied(result: number): boolean {
  return result === -EACCES || result === -EPERM
}

/** A system call reads a string up to its end, but a buffer up to NUL. */
function callPath(path: string | Buffer): string | Buffer {
  return typeof path === 'string' ? path : Buffer.concat([path, Buffer.from([0])])
}

/** One file, open or not. */
export class ProcFile {
  readonly path: string
  /** The path for system calls. */
  readonly openPath: string | Buffer
  fd = -1
  reads = 0

  /** @param path A `Buffer` if it is not valid UTF-8. */
  constructor(path: string | Buffer) {
    this.path = path.toString()
    this.openPath = callPath(path)
  }
}

// struct statx, the same on every architecture.
const atEmptyPath = 0x1000
const maskOfStat = 0x204 // links and size
const linksAt = 16
const sizeAt = 40

export class ProcFiles {
  /** Buffer for every reading. */
  bytes: Buffer = Buffer.allocUnsafeSlow(64 * 1024)
  /** Size and links of the directory that `stat` read last. */
  size = 0
  links = 0
  readonly #status = Buffer.alloc(256)
  readonly #held = new Set<ProcFile>()
  readonly #heldFds = new Set<number>()
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

  /** Whether the descriptor is of a file held open here. */
  holds(fd: number): boolean {
    return this.#heldFds.has(fd)
  }

  /** The reason why some armed files were not held open since the last call; null if there was room for all. */
  takeShortage(): string | null {
    const shortage = this.#shortage
    if (!this.#ranOut && this.#budget < this.#fullBudget) this.#restoreBudget()
    this.#shortage = null
    this.#ranOut = false
    return shortage
  }

  /** Whether since the last call a reading failed for want of a descriptor, even after all were given back. */
  takeStarved(): boolean {
    const starved = this.#starved
    this.#starved = false
    return starved
  }

  /** Like `listNumberedEntries`, but if descriptors run out, some are given back and the listing is repeated. */
  list(directory: string): number[] | number {
    const listed = listNumberedEntries(directory)
    if (listed !== -EMFILE && listed !== -ENFILE) return listed
    this.#evict(-listed)
    const again = listNumberedEntries(directory)
    if (again === listed) this.#starved = true
    return again
  }

  /** Takes half of the spare descriptors: the process that used the others may need them again. */
  #restoreBudget(): void {
    try {
      this.#budget = Math.min(this.#fullBudget, this.#budget + Math.max(0, Math.ceil(this.#spare() / 2)))
    } catch {
      // There is no descriptor left to count them with: the budget stays as it is.
    }
  }

  get openCount(): number {
    return this.#held.size
  }

  /**
   * Reads a file of one record, which the kernel gives whole if the buffer is large enough: so a full buffer grows, and
   * the file is read again. From its `holdFrom`-th reading on it is held open, if the budget has room. Returns the
   * length.
   */
  read(file: ProcFile, armed = false, holdFrom = 1): number {
    let length = this.readFrom(file, 0, this.bytes.length, armed, holdFrom)
    while (length === this.bytes.length && length < wholeFileBytesMax) {
      this.bytes = Buffer.allocUnsafeSlow(2 * length)
      length = this.readFrom(file, 0, this.bytes.length, armed, holdFrom)
    }
    return length
  }

  /** Like `read`, for `bytes` bytes at a position. */
  readFrom(file: ProcFile, position: number, bytes: number, armed: boolean, holdFrom: number): number {
    if (file.fd >= 0) {
      const length = pread(file.fd, this.bytes, bytes, position)
      return length >= 0 ? length : this.#lose(file)
    }
    const fd = this.#open(file.openPath)
    if (fd < 0) return fd
    const length = pread(fd, this.bytes, bytes, position)
    const result = length >= 0 ? length : -errorNumber()
    this.#holdOrClose(file, fd, armed, holdFrom, result)
    return result
  }

  /** Reads a file to its end. Returns the length; `bytes` grows as needed. */
  readWhole(path: string | Buffer): number {
    const fd = this.#open(callPath(path))
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

  /** Opens a file and reads `bytes` bytes at a position into `into`. */
  readAt(path: string, into: Uint8Array, bytes: number, position: number): number {
    const fd = this.#open(path)
    if (fd < 0) return fd
    const length = pread(fd, into, bytes, position)
    const result = length >= 0 ? length : -errorNumber()
    closeFd(fd)
    return result
  }

  /**
   * Whether a failed reading of a file means that the process or thread of its directory has ended. A missing file in a
   * directory that exists only means that the kernel does not offer it.
   */
  hasEnded(result: number, file: Pick<ProcFile, 'path'>): boolean {
    if (result === -ESRCH) return true
    return result === -ENOENT && this.#statx(0, file.path.slice(0, file.path.lastIndexOf('/')), 0) === -ENOENT
  }

  /** Reads a directory's status: sets `size` and `links`. Returns 0, or a negated error number. */
  stat(directory: ProcFile, armed = false, holdFrom = 1): number {
    if (directory.fd >= 0) return this.#statx(directory.fd, '', atEmptyPath) === 0 ? 0 : this.#lose(directory)
    if (directory.reads + 1 < holdFrom || !this.#hasRoom(armed, holdFrom)) {
      directory.reads++
      return this.#statx(0, directory.openPath, 0)
    }
    const fd = this.#open(directory.openPath)
    // A directory of another user cannot be opened, but its size can be read.
    if (fd < 0) return isDenied(fd) ? this.#statx(0, directory.openPath, 0) : fd
    const result = this.#statx(fd, '', atEmptyPath)
    this.#holdOrClose(directory, fd, armed, holdFrom, result)
    return result
  }

  #statx(fd: number, path: string | Buffer, flags: number): number {
    if (statx(fd, path, flags, maskOfStat, this.#status) !== 0) return -errorNumber()
    this.links = this.#status.readUInt32LE(linksAt)
    this.size = this.#status.readUInt32LE(sizeAt)
    return 0
  }

  /**
   * Closes a file whose reading failed: its descriptor may stand for something that is gone, while its name stands for
   * something new. The next reading opens it again. Returns the negated error number.
   */
  #lose(file: ProcFile): number {
    const result = -errorNumber()
    this.release(file)
    return result
  }

  release(file: ProcFile): void {
    if (file.fd < 0) return
    closeFd(file.fd)
    this.#heldFds.delete(file.fd)
    file.fd = -1
    file.reads = 0
    this.#held.delete(file)
  }

  closeAll(): void {
    for (const file of [...this.#held]) this.release(file)
  }

  #hasRoom(armed: boolean, holdFrom: number): boolean {
    const share = armed ? 1 : holdFrom >= seldomReadFrom ? seldomShareMax : unarmedShareMax
    const hasRoom = this.#held.size < this.#budget * share
    if (!hasRoom && armed)
      this.#shortage ??= `RLIMIT_NOFILE leaves room for ${Math.floor(this.#budget)} open files of /proc: ${slower}`
    return hasRoom
  }

  #holdOrClose(file: ProcFile, fd: number, armed: boolean, holdFrom: number, result: number): void {
    file.reads++
    if (result < 0 || file.reads < holdFrom || !this.#hasRoom(armed, holdFrom)) {
      closeFd(fd)
      return
    }
    file.fd = fd
    this.#held.add(file)
    this.#heldFds.add(fd)
  }

  #open(path: string | Buffer): number {
    const fd = openFd(path, openFlags)
    if (fd >= 0) return fd
    const error = errorNumber()
    if (error !== EMFILE && error !== ENFILE) return -error
    return this.#openAfterEviction(path, error)
  }

  #openAfterEviction(path: string | Buffer, error: number): number {
    this.#evict(error)
    const fd = openFd(path, openFlags)
    if (fd >= 0) return fd
    const again = errorNumber()
    if (again === error) this.#starved = true
    return -again
  }

  /** Descriptors ran out below our budget, so something else took them. Gives some back and holds fewer from now on. */
  #evict(error: number): void {
    let left = evictedAtOnce
    for (const file of this.#held) {
      if (left-- === 0) break
      this.release(file)
    }
    this.#budget = this.#held.size
    this.#ranOut = true
    this.#shortage = `descriptors ran out (${error === EMFILE ? 'EMFILE' : 'ENFILE'}): ${slower}`
  }
}
