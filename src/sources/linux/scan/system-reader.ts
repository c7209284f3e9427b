/**
 * Reads figures of the machine as a whole: memory, CPUs and the kernel's limits. Containers and hardened kernels lack
 * some of the files, so each figure is read for itself.
 */

import type { SystemReading } from '../container-readings.ts'
import { bootAgeTicks } from '../native/clocks.ts'
import { nameOfErrno } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import { ProcFile } from '../native/proc-files.ts'
import { parseOomKills } from '../parse/cgroup-files.ts'
import { parseMeminfo } from '../parse/meminfo.ts'
import type { Degrading } from './degrading.ts'

type Maxima = Pick<SystemReading, 'oomKills' | 'cpus' | 'processesMax' | 'threadsMax' | 'fdsMax'>
type Memory = Omit<SystemReading, keyof Maxima>

interface Parts {
  readonly files: ProcFiles
  readonly procRoot: string
  readonly degrading: Degrading
}

export class SystemReader {
  readonly #files: ProcFiles
  readonly #procRoot: string
  readonly #meminfo: ProcFile
  readonly #uptime: ProcFile
  #maxima: Maxima | null = null
  readonly #degrading: Degrading
  /** The figures that could not be read, each with its reason. */
  readonly #failures = new Map<string, string>()

  constructor({ files, procRoot, degrading }: Parts) {
    this.#files = files
    this.#procRoot = procRoot
    this.#degrading = degrading
    this.#meminfo = new ProcFile(`${procRoot}/meminfo`)
    this.#uptime = new ProcFile(`${procRoot}/uptime`)
  }

  /** Time since boot in ticks of `stat`; NaN if it cannot be read. A copy of /proc has it in a file. */
  readAgeTicks({ isProc }: { readonly isProc: boolean }): number {
    if (isProc) return bootAgeTicks()
    const length = this.#files.read(this.#uptime, true)
    if (length <= 0) return Number.NaN
    return Math.round(Number.parseFloat(this.#files.bytes.toString('latin1', 0, length)) * 100)
  }

  /**
   * Reads limits and counters only if `maxima` is set, because they change seldom. Reports figures that cannot be read
   * as degraded.
   */
  read(maxima: boolean): SystemReading {
    if (maxima || this.#maxima === null) this.#maxima = this.#readMaxima()
    const reading = { ...this.#readMemory(), ...this.#maxima }
    const failures = [...this.#failures].map(([name, reason]) => `${this.#procRoot}/${name}: ${reason}`)
    if (failures.length === 0) this.#degrading.recovered('system')
    else this.#degrading.degraded('system', failures.join('; '))
    return reading
  }

  #readMemory(): Memory {
    const length = this.#files.read(this.#meminfo, true)
    const text = length > 0 ? this.#files.bytes.toString('latin1', 0, length) : ''
    const memory = length > 0 ? memoryOf(text) : noMemory(length === 0 ? 'it is empty' : nameOfErrno(-length))
    this.#note('meminfo', memory.whyNoMemory)
    return memory
  }

  #note(name: string, reason: string | null): void {
    if (reason === null) this.#failures.delete(name)
    else this.#failures.set(name, reason)
  }

  #readMaxima(): Maxima {
    return {
      oomKills: this.#readOomKills(),
      cpus: this.#readCpus(),
      processesMax: this.#readNumber('sys/kernel/pid_max'),
      threadsMax: this.#readNumber('sys/kernel/threads-max'),
      fdsMax: this.#readNumber('sys/fs/file-max'),
    }
  }

  #readCpus(): number | null {
    const length = this.#files.readWhole(`${this.#procRoot}/stat`)
    const text = length > 0 ? this.#files.bytes.toString('latin1', 0, length) : ''
    const cpus = text.match(/^cpu\d+ /gm)?.length ?? null
    this.#note('stat', length < 0 ? nameOfErrno(-length) : cpus === null ? 'it lists no CPU' : null)
    return cpus
  }

  /** Kernels before 4.13 do not count them, so a failure is no degradation. */
  #readOomKills(): number | null {
    const length = this.#files.readWhole(`${this.#procRoot}/vmstat`)
    return length <= 0 ? null : parseOomKills(this.#files.bytes.toString('latin1', 0, length))
  }

  /** Infinity if the number is larger than anything that can be counted. */
  #readNumber(name: string): number | null {
    const length = this.#files.readWhole(`${this.#procRoot}/${name}`)
    const text = length > 0 ? this.#files.bytes.toString('latin1', 0, length).trim() : ''
    const isNumber = /^\d+$/.test(text)
    this.#note(name, length < 0 ? nameOfErrno(-length) : isNumber ? null : 'it has no number')
    if (!isNumber) return null
    return Number(text) > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : Number(text)
  }
}

function noMemory(why: string): Memory {
  const memory = { memory: null, memoryFree: null, memoryReclaimable: null, memoryTotal: null, whyNoMemory: why }
  return { ...memory, swap: null, swapTotal: null }
}

/** Figures that contradict one another are not used: LXCFS, for example, may report more available than there is. */
function memoryOf(text: string): Memory {
  const { total, available, free, swapTotal, swapFree } = parseMeminfo(text)
  const swaps = { swap: usedOf(swapTotal, swapFree), swapTotal }
  if (total === null) return { ...noMemory('it has no usable MemTotal'), ...swaps }
  const unknown = (why: string): Memory => ({ ...noMemory(why), ...swaps, memoryTotal: total })
  if (available === null) return unknown('it has no usable MemAvailable')
  if (available > total) return unknown('MemAvailable is more than MemTotal')
  const memoryReclaimable = free === null ? null : Math.max(0, available - free)
  const memory = { memory: total - available, memoryFree: available, memoryReclaimable, memoryTotal: total }
  return { ...memory, ...swaps, whyNoMemory: null }
}

/** Null if it is not known, or if the two contradict one another. */
function usedOf(total: number | null, free: number | null): number | null {
  return total === null || free === null || free > total ? null : total - free
}
