/** Saves and restores processes. What a process has created is restored later, once all processes exist. */

import { KernelError } from '../../kernel/errno.ts'
import { type RlimitName, rlimitNames } from '../../kernel/limits/rlimits.ts'
import type { Partition } from '../../kernel/nodes/partition.ts'
import type { Rlimit } from '../../kernel/nodes/process.ts'
import type { System } from '../../kernel/nodes/system.ts'
import type { Machine } from '../machine.ts'
import { IdPool, type IdPoolState } from '../objects/id-pool.ts'
import { type IdKind, idKinds, ModelProcess, type OpenFile, type Zombie } from '../objects/model-process.ts'
import { type ChannelState, type ConnectionState, exportChannels, exportConnections } from './channels.ts'
import { exportNode, type NodeState } from './nodes.ts'
import type { References } from './references.ts'
import {
  type DispositionsState,
  exportDispositions,
  exportPending,
  importPending,
  type PendingState,
  signalNamed,
} from './signals.ts'
import { exportSyncs, type SyncState } from './syncs.ts'
import { exportThread, type SavedThread } from './threads.ts'
import { exportTimers, type Places, type TimerState } from './timers.ts'

/** Null is unlimited. */
interface RlimitState {
  readonly soft: number | null
  readonly hard: number | null
}

export interface ProcessState extends NodeState {
  readonly pid: number
  readonly identity: string
  readonly started: number
  readonly name: string
  readonly uid: number
  readonly parent: number | null
  readonly rlimits: Readonly<Record<RlimitName, RlimitState>>
  readonly ids: Readonly<Record<IdKind, IdPoolState>>
  readonly dataPages: number
  readonly lockedPages: number
  readonly resident: number
  readonly stopped: boolean
  readonly overCpu: boolean
  readonly threads: readonly SavedThread[]
  readonly channels: readonly ChannelState[]
  readonly connections: readonly ConnectionState[]
  /** rcvids of messages which wait for replies. */
  readonly received: readonly number[]
  readonly syncs: readonly SyncState[]
  readonly timers: readonly TimerState[]
  readonly files: readonly (OpenFile & { readonly fd: number })[]
  readonly zombies: readonly Zombie[]
  readonly dispositions: DispositionsState
  readonly pending: readonly PendingState[]
}

export function exportProcess(
  { kernel }: Machine,
  process: ModelProcess,
  { references, places }: { references: References; places: Places },
): ProcessState {
  const { pid, identity, started, name, uid, parentProcess, ids, rlimits } = process
  const { dataPages, lockedPages, resident, stopped, overCpu } = process
  return {
    pid,
    identity,
    started,
    name,
    uid,
    parent: parentProcess === null ? null : parentProcess.pid,
    rlimits: each(rlimitNames, (rlimit) => exportRlimit(rlimits[rlimit])),
    ids: each(idKinds, (kind) => ids[kind].state),
    dataPages,
    lockedPages,
    resident,
    stopped,
    overCpu,
    threads: [...process.threads.values()].map((thread) => exportThread(kernel, thread, places)),
    channels: exportChannels(process),
    connections: exportConnections(process, references),
    received: [...process.received.keys()],
    syncs: exportSyncs(process.syncs, references),
    timers: exportTimers(process, places),
    files: [...process.files].map(([fd, file]) => ({ fd, ...file })),
    zombies: [...process.zombies.values()].map((zombie) => ({ ...zombie })),
    dispositions: exportDispositions(process.dispositions),
    pending: exportPending(process.pending),
    ...exportNode(kernel, process),
  }
}

function each<Key extends string, Value>(keys: readonly Key[], toValue: (key: Key) => Value) {
  return Object.fromEntries(keys.map((key) => [key, toValue(key)])) as Record<Key, Value>
}

function finite(limit: number): number | null {
  return Number.isFinite(limit) ? limit : null
}

function exportRlimit({ soft, hard }: Rlimit): RlimitState {
  return { soft: finite(soft), hard: finite(hard) }
}

function importRlimit({ soft, hard }: RlimitState): Rlimit {
  return {
    soft: soft ?? Number.POSITIVE_INFINITY,
    hard: hard ?? Number.POSITIVE_INFINITY,
  }
}

/** Restores a process without the parts which refer to other objects. Preconditions: its parent is restored. */
export function importProcess(machine: Machine, state: ProcessState, container: Partition | System): ModelProcess {
  const { pid, identity, started, name, uid, parent } = state
  if (machine.processes.find(pid) !== null)
    throw new KernelError('EINVAL', `process ${pid} is there twice`, { field: 'pid' })
  const parentProcess = parent === null ? null : machine.processes.get(parent)
  const process = new ModelProcess(
    { pid, identity, started, name, uid, parentProcess, executable: null, container },
    each(rlimitNames, (rlimit) => importRlimit(state.rlimits[rlimit])),
    each(idKinds, (kind) => new IdPool(state.ids[kind])),
  )
  parentProcess?.children.add(process)
  process.dataPages = state.dataPages
  process.lockedPages = state.lockedPages
  process.resident = state.resident
  process.stopped = state.stopped
  process.overCpu = state.overCpu
  for (const { fd, ...file } of state.files) process.files.set(fd, file)
  for (const zombie of state.zombies) process.zombies.set(zombie.pid, { ...zombie })
  for (const [signal, disposition] of state.dispositions) process.dispositions.set(signalNamed(signal), disposition)
  process.pending.push(...importPending(state.pending))
  machine.kernel.processes.set(pid, process)
  machine.kernel.admit(process)
  return process
}
