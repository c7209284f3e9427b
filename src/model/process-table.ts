/** Registers the processes of the model which exist, and the pids which are in use. */

import { KernelError } from '../kernel/errno.ts'
import type { Process } from '../kernel/nodes/process.ts'
import { ModelProcess } from './objects/model-process.ts'

export const pidMax = 4_194_304

export class ProcessTable {
  readonly #processes: ReadonlyMap<number, Process>
  /** Pids of processes and of zombies. */
  readonly pids = new Set<number>()
  lastPid = 0
  /** Processes created so far. It makes an identity unique even when its pid is used again. */
  births = 0

  constructor(processes: ReadonlyMap<number, Process>) {
    this.#processes = processes
  }

  /** @throws KernelError ESRCH when there is no such process */
  get(pid: number): ModelProcess {
    const process = this.find(pid)
    if (process === null) throw new KernelError('ESRCH', `there is no process ${pid}`)
    return process
  }

  find(pid: number): ModelProcess | null {
    const process = this.#processes.get(pid)
    return process instanceof ModelProcess ? process : null
  }

  all(): ModelProcess[] {
    return [...this.#processes.values()].filter((process) => process instanceof ModelProcess)
  }

  /**
   * Reserves the pid of a new process. A pid is used again only after all others have been used.
   * @throws KernelError EAGAIN when all pids are in use
   */
  takePid(): number {
    const { pids } = this
    if (pids.size >= pidMax) throw new KernelError('EAGAIN', `all ${pidMax} pids are in use`)
    let pid = this.lastPid
    do pid = pid >= pidMax ? 1 : pid + 1
    while (pids.has(pid))
    this.lastPid = pid
    this.births++
    pids.add(pid)
    return pid
  }

  releasePid(pid: number): void {
    this.pids.delete(pid)
  }
}
