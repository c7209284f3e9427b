/** Derives why the kernel does not permit a reading. Pure: only causes that were looked for are named. */

import { type Capability, capabilitiesIn, hasCapability, type TaskCredentials } from './credentials.ts'

/** Facts about the service and the machine that decide what it may read. */
export interface Surroundings {
  /** Null if they cannot be read. */
  readonly own: TaskCredentials | null
  /** The service is in the initial user namespace, where its capabilities hold for all processes. Null if unknown. */
  readonly isInitialUserNamespace: boolean | null
  /** `kernel.yama.ptrace_scope`; null without Yama. */
  readonly yamaScope: number | null
  /** The label that a security module gives the service; null if there is none. */
  readonly securityLabel: string | null
}

/** Facts about a process that cannot be read in full. */
export interface DeniedProcess {
  readonly credentials: TaskCredentials
  /** Owner of its files in /proc, which is root if the process is not dumpable. Null if unknown. */
  readonly fileOwner: number | null
}

const prefix = 'permission denied'
const forProcesses: readonly Capability[] = ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH']

/**
 * The reason if an operation that needs these capabilities is not permitted.
 * @param describe Text for capabilities that are missing; for operations that other conditions permit too
 */
export function denialWithout(
  needed: readonly Capability[],
  surroundings: Surroundings,
  describe = (missing: string): string => `: needs ${missing}`,
): string {
  const { own, isInitialUserNamespace, securityLabel } = surroundings
  if (own === null) return `${prefix}: the service's own capabilities cannot be read, it needs ${needed.join(' and ')}`
  const missing = needed.filter((capability) => !hasCapability(own.effective, capability))
  if (missing.length > 0) return `${prefix}${describe(missing.join(' and '))}`
  const having = `although the service has ${needed.join(' and ')}`
  if (isInitialUserNamespace === false)
    return `${prefix}, ${having}: they hold only in its own user namespace (PrivateUsers=, or a rootless container)`
  if (securityLabel !== null)
    return `${prefix}, ${having}: unknown why, perhaps by the security module, which labels it ${securityLabel}`
  return `${prefix}, ${having}: unknown why`
}

/** The reason if the memory, descriptors or system calls of a process may not be read. */
export function denialOf(process: DeniedProcess | null, surroundings: Surroundings): string {
  const { own, yamaScope } = surroundings
  if (process === null || own === null) return denialWithout(forProcesses, surroundings)
  const { credentials, fileOwner } = process
  const lacking = capabilitiesIn(credentials.permitted & ~own.effective)
  if (hasCapability(own.effective, 'CAP_SYS_PTRACE')) {
    if (!hasCapability(own.effective, 'CAP_DAC_READ_SEARCH') && !isSameUser(credentials, own))
      return denialWithout(forProcesses, surroundings)
    if (yamaScope === 3) return `${prefix}: Yama permits it to nobody (kernel.yama.ptrace_scope is 3)`
    if (surroundings.isInitialUserNamespace !== false && lacking.length > 0)
      return `${denialWithout(forProcesses, surroundings)}. The process has capabilities that the service lacks: ${lacking.join(', ')}`
    return denialWithout(forProcesses, surroundings)
  }
  if (!isSameUser(credentials, own)) return denialWithout(forProcesses, surroundings)
  if (fileOwner !== null && fileOwner !== credentials.uids[1])
    return `${prefix}: the process is not dumpable, as after a change of its user or with capabilities of its file: needs CAP_SYS_PTRACE`
  if (lacking.length > 0)
    return `${prefix}: the process has capabilities that the service lacks (${lacking.join(', ')}): needs these or CAP_SYS_PTRACE`
  if (yamaScope !== null && yamaScope > 0)
    return `${prefix}: Yama permits it only with CAP_SYS_PTRACE (kernel.yama.ptrace_scope is ${yamaScope})`
  return denialWithout(['CAP_SYS_PTRACE'], surroundings, (missing) => `, unknown why. It may need ${missing}`)
}

/** The kernel compares the real, effective and saved ids of the process with the ids of the reader. */
function isSameUser({ uids, gids }: TaskCredentials, own: TaskCredentials): boolean {
  const [uid, gid] = [own.uids[3], own.gids[3]]
  return uids.slice(0, 3).every((id) => id === uid) && gids.slice(0, 3).every((id) => id === gid)
}
