/**
 * Decides whether the size of an open file can be read without waiting. Some file systems wait without end for a server
 * that is gone, even if no fresh answer is wanted.
 */

import { closeFd, memfdCreate } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { attributeMountsOf, mountOfFile } from '../parse/mountinfo.ts'

// Ids of mounts are reused, so what is known of them is soon forgotten.
const freshMs = 1000

export class AttributeMounts {
  readonly #files: ProcFiles
  readonly #answers = new Map<number, boolean>()
  #readAt = Number.NEGATIVE_INFINITY
  /** Directories of processes whose mounts were read since. */
  readonly #read = new Set<string>()
  /** The mount of memfds, which no list of mounts has; undefined before it was looked up. */
  #memoryMount: number | null | undefined

  constructor(files: ProcFiles) {
    this.#files = files
  }

  /** `directory` is that of the process. False if it is unknown. */
  holds(directory: string, fd: number, now: number): boolean {
    const mount = this.#mountOf(`${directory}/fdinfo/${fd}`)
    if (mount === null) return false
    if (now - this.#readAt >= freshMs) this.#startAgain(now)
    if (mount === this.#memoryMount) return true
    if (!this.#answers.has(mount)) this.#add(`${directory}/mountinfo`)
    return this.#answers.get(mount) ?? false
  }

  #startAgain(now: number): void {
    this.#readAt = now
    this.#answers.clear()
    this.#read.clear()
    this.#add('/proc/self/mountinfo')
    if (this.#memoryMount === undefined) this.#memoryMount = this.#findMemoryMount()
  }

  #add(path: string): void {
    if (this.#read.has(path)) return
    this.#read.add(path)
    const text = this.#textOf(path)
    if (text !== null) for (const [id, answers] of attributeMountsOf(text)) this.#answers.set(id, answers)
  }

  #findMemoryMount(): number | null {
    const fd = memfdCreate('introspectd', 1)
    if (fd < 0) return null
    const mount = this.#mountOf(`/proc/self/fdinfo/${fd}`)
    closeFd(fd)
    return mount
  }

  #mountOf(path: string): number | null {
    const text = this.#textOf(path)
    return text === null ? null : mountOfFile(text)
  }

  #textOf(path: string): string | null {
    const length = this.#files.readWhole(path)
    return length <= 0 ? null : this.#files.bytes.toString('latin1', 0, length)
  }
}
