/** Reads the facts that decide why the kernel does not permit a reading. */

import { readFileSync, statSync } from 'node:fs'
import { parseCredentials } from '../parse/credentials.ts'
import type { DeniedProcess, Surroundings } from '../parse/denial.ts'

const wholeRange = /^\s*0\s+0\s+4294967295\s*$/

/** Null if there is no such file, or it may not be read. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return null
  }
}

/** The facts about this thread of the service. Yama's setting can change while the service runs. */
export function readSurroundings(): Surroundings {
  const status = readText('/proc/thread-self/status')
  const ids = readText('/proc/self/uid_map')
  const scope = readText('/proc/sys/kernel/yama/ptrace_scope')
  const label = readText('/proc/self/attr/current')?.replaceAll('\0', '').trim() ?? ''
  return {
    own: status === null ? null : parseCredentials(status),
    isInitialUserNamespace: ids === null ? null : wholeRange.test(ids),
    yamaScope: scope === null ? null : Number(scope),
    securityLabel: label === '' || label === 'unconfined' ? null : label,
  }
}

/** Null if its status cannot be read. */
export function readDeniedProcess(directory: string): DeniedProcess | null {
  const status = readText(`${directory}/status`)
  if (status === null) return null
  const fileOwner = statSync(`${directory}/status`, { throwIfNoEntry: false })?.uid ?? null
  return { credentials: parseCredentials(status), fileOwner }
}
