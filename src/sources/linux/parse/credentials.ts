/** Parses the users and capabilities in `/proc/P/status`, and names capabilities. */

export interface TaskCredentials {
  /** Real, effective, saved and file system ids; empty if unknown. */
  readonly uids: readonly number[]
  readonly gids: readonly number[]
  /** One bit for each capability. */
  readonly permitted: bigint
  readonly effective: bigint
}

// In the order of their numbers.
const names =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'.split(
    ' ',
  )

export type Capability =
  | 'CAP_DAC_READ_SEARCH'
  | 'CAP_KILL'
  | 'CAP_NET_ADMIN'
  | 'CAP_SYS_ADMIN'
  | 'CAP_SYS_PTRACE'
  | 'CAP_SYS_RESOURCE'

function numbersIn(text: string, key: string): number[] {
  const [, line = ''] = new RegExp(`^${key}:\\s*([\\d\\s]*)$`, 'm').exec(text) ?? []
  return line.split(/\s+/).filter(Boolean).map(Number)
}

function maskIn(text: string, key: string): bigint {
  const [, digits = '0'] = new RegExp(`^${key}:\\s*([0-9a-f]+)$`, 'm').exec(text) ?? []
  return BigInt(`0x${digits}`)
}

export function parseCredentials(status: string): TaskCredentials {
  return {
    uids: numbersIn(status, 'Uid').slice(0, 4),
    gids: numbersIn(status, 'Gid').slice(0, 4),
    permitted: maskIn(status, 'CapPrm'),
    effective: maskIn(status, 'CapEff'),
  }
}

export function hasCapability(mask: bigint, capability: Capability): boolean {
  return ((mask >> BigInt(names.indexOf(capability.slice('CAP_'.length)))) & 1n) === 1n
}

/** The capabilities in a mask, as in CAP_KILL. */
export function capabilitiesIn(mask: bigint): string[] {
  const unnamed = mask >> BigInt(names.length)
  const named = names.flatMap((name, bit) => (((mask >> BigInt(bit)) & 1n) === 1n ? [`CAP_${name}`] : []))
  return unnamed === 0n ? named : [...named, 'newer ones']
}
