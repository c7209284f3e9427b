/** Reads figures of the machine as a whole: memory, CPUs and the kernel's limits. */

import { nameOfErrno } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { ProcFile } from '../native/proc-files.ts'
import { parseMeminfo } from '../parse/meminfo.ts'
import type { SystemReading } from '../protocol.ts'

type Maxima = Pick<SystemReading, 'cpus' | 'processesMax' | 'threadsMax' | 'fdsMax'>

export class SystemReader {
  readonly #files: ProcFiles
  readonly #procRoot: string
  readonly #meminfo: ProcFile
  #maxima: Maxima | null = null

  constructor(files: ProcFiles, procRoot: string) {
    this.#files = files
    this.#procRoot = procRoot
    this.#meminfo = new ProcFile(`${procRoot}/meminfo`)
  }

  /** Reads the seldom-changing limits only if `maxima` is set. Returns the reason of a failure. */
  read(maxima: boolean): SystemReading | string {
    if (maxima || !this.#maxima) {
      const read = this.#readMaxima()
      if (typeof read === 'string') return read
      this.#maxima = read
    }
    const length = this.#files.read(this.#meminfo, true)
    if (length <= 0) return `meminfo: ${nameOfErrno(-length)}`
    const { total, available, free } = parseMeminfo(this.#files.bytes.toString('latin1', 0, length))
    if (total === null || available === null) return 'meminfo has no MemTotal or no MemAvailable'
    const memoryReclaimable = free === null ? null : Math.max(0, available - free)
    return { memory: total - available, memoryFree: available, memoryReclaimable, memoryTotal: total, ...this.#maxima }
  }

  #readMaxima(): Maxima | string {
    const length = this.#files.readWhole(`${this.#procRoot}/stat`)
    if (length <= 0) return `stat: ${nameOfErrno(-length)}`
    const cpus = this.#files.bytes.toString('latin1', 0, length).match(/^cpu\d+ /gm)?.length ?? 0
    const processesMax = this.#readNumber('sys/kernel/pid_max')
    const threadsMax = this.#readNumber('sys/kernel/threads-max')
    const fdsMax = this.#readNumber('sys/fs/file-max')
    if (typeof processesMax === 'string') return processesMax
    if (typeof threadsMax === 'string') return threadsMax
    if (typeof fdsMax === 'string') return fdsMax
    return { cpus, processesMax, threadsMax, fdsMax: fdsMax >= 2 ** 53 ? Number.POSITIVE_INFINITY : fdsMax }
  }

  #readNumber(name: string): number | string {
    const length = this.#files.readWhole(`${this.#procRoot}/${name}`)
    if (length <= 0) return `${name}: ${nameOfErrno(-length)}`
    return Number(this.#files.bytes.toString('latin1', 0, length))
  }
}

/** Time since boot in ticks of `stat`; NaN if it cannot be read. */
export function readAgeTicks(files: ProcFiles, uptime: ProcFile): number {
  const length = files.read(uptime, true)
  return length <= 0 ? Number.NaN : Math.round(Number.parseFloat(files.bytes.toString('latin1', 0, length)) * 100)
}
