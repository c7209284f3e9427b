/** Identifies the boot of the machine, so that no process of an earlier boot is taken for one of now. */

import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SourceError } from '../../source.ts'
import { refuseSubset } from './required-file.ts'

const file = 'sys/kernel/random/boot_id'
const length = 6

export interface BootId {
  readonly id: string
  /** Why `id` is new at each start of the service; null if it is the same until the machine is booted again. */
  readonly whyNew: string | null
}

/**
 * Some kernels, and containers that hide files, have no id of the boot.
 * @throws SourceError if there is no such directory, or it was mounted without the files of the kernel
 */
export function readBootId(procRoot: string): BootId {
  const path = join(procRoot, file)
  try {
    return { id: readFileSync(path, 'latin1').slice(0, length), whyNew: null }
  } catch (error) {
    refuseSubset(procRoot, file)
    if (!existsSync(procRoot)) throw new SourceError(`there is no directory ${procRoot}`)
    const reason = error instanceof Error ? error.message : String(error)
    return { id: randomUUID().slice(0, length), whyNew: `processes get new identities at each start: ${reason}` }
  }
}
