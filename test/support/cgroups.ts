/** Makes real cgroups of this machine for tests, in whichever version it has, and removes them. */

import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const mount = '/sys/fs/cgroup'

/** The hierarchy that partitions are taken from is version 2 where that has controllers, else memory of version 1. */
function isUnified(): boolean {
  const controllers = join(mount, 'cgroup.controllers')
  return existsSync(controllers) && readFileSync(controllers, 'utf8').includes('memory')
}

export type Controller = 'memory' | 'pids' | 'cpu'

const files = {
  v2: { memory: 'memory.max', pids: 'pids.max', cpu: 'cpu.max' },
  v1: { memory: 'memory.limit_in_bytes', pids: 'pids.max', cpu: 'cpu.cfs_quota_us' },
} as const

export class Cgroups {
  readonly isUnified = isUnified()
  /** Directories that were made, outermost first. */
  readonly #made: string[] = []

  /** Root of the hierarchy that partitions are taken from. */
  get root(): string {
    return this.#base('memory')
  }

  #base(controller: Controller): string {
    return this.isUnified ? mount : join(mount, controller)
  }

  directory(controller: Controller, ...names: string[]): string {
    return join(this.#base(controller), ...names)
  }

  /** Makes a cgroup in the hierarchies of these controllers. */
  make(names: readonly string[], controllers: readonly Controller[] = ['memory']): void {
    for (const directory of new Set(controllers.map((controller) => this.directory(controller, ...names)))) {
      mkdirSync(directory)
      this.#made.push(directory)
    }
  }

  remove(names: readonly string[], controllers: readonly Controller[] = ['memory']): void {
    for (const directory of new Set(controllers.map((controller) => this.directory(controller, ...names))))
      rmdirSync(directory)
  }

  /** Sets the maximum of a cgroup. In version 2 its parent must pass the controller on. */
  limit(controller: Controller, names: readonly string[], value: string | number): void {
    if (this.isUnified)
      writeFileSync(this.directory(controller, ...names.slice(0, -1), 'cgroup.subtree_control'), `+${controller}`)
    const file = files[this.isUnified ? 'v2' : 'v1'][controller]
    writeFileSync(this.directory(controller, ...names, file), String(value))
  }

  /** Moves a process. */
  enter(controller: Controller, names: readonly string[], pid: number): void {
    writeFileSync(this.directory(controller, ...names, 'cgroup.procs'), String(pid))
  }

  /** Removes what was made. Preconditions: no process is in it any more. */
  removeAll(): void {
    for (const directory of this.#made.splice(0).reverse()) if (existsSync(directory)) rmdirSync(directory)
  }
}
