/**
 * Decides whether the file system on a device answers from this machine alone. One that waits for a server or a program
 * would make the scan wait, too. Only mounts that this process sees count: programs may mount their own elsewhere.
 */

import type { ProcFiles } from '../native/proc-files.ts'
import { localDevicesOf } from '../parse/mountinfo.ts'

/** Anonymous shared memory and memfds, whose file system is mounted nowhere. */
const sharedMemoryDevice = '00:01'

export class LocalDevices {
  readonly #files: ProcFiles
  #devices: ReadonlySet<string> = new Set()
  #isFresh = false

  constructor(files: ProcFiles) {
    this.#files = files
  }

  /** Mounts are read again at most once in a pass. */
  startPass(): void {
    this.#isFresh = false
  }

  has(device: string): boolean {
    if (device === sharedMemoryDevice) return true
    if (!this.#devices.has(device) && !this.#isFresh) this.#read()
    return this.#devices.has(device)
  }

  #read(): void {
    this.#isFresh = true
    const length = this.#files.readWhole('/proc/self/mountinfo')
    if (length > 0) this.#devices = localDevicesOf(this.#files.bytes.toString('latin1', 0, length))
  }
}
