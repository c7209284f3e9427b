/**
 * Saves and restores the whole state of a machine as plain data, fit for JSON. A restored machine emits the same events
 * as one which was never saved. Facts which follow from other parts (queues, joiners) are not stored.
 */

import { KernelError } from '../../kernel/errno.ts'
import { Kernel } from '../../kernel/kernel.ts'
import { exportSwitches, type SwitchesState, type ThresholdState } from '../../kernel/limits/thresholds/settings.ts'
import { modelAbilities } from '../abilities.ts'
import { Machine } from '../machine.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { importChannels, importConnections } from './channels.ts'
import { checkMachine, checkSame } from './check.ts'
import {
  type ContainerState,
  exportContainer,
  importContainerNodes,
  importMembers,
  importPartitions,
} from './containers.ts'
import { type DeadlockState, exportDeadlocks, importDeadlocks } from './deadlocks.ts'
import { exportTimeouts, importTimeouts, type TimeoutSettingState } from './default-timers.ts'
import { importNode } from './nodes.ts'
import { exportProcess, importProcess, type ProcessState } from './processes.ts'
import { at, type EndedState, References, Referents, type ThreadRef, there } from './references.ts'
import { exportSyncs, importSyncs, type SyncState } from './syncs.ts'
import { importService, importThread, importWait, type SavedThread } from './threads.ts'
import {
  exportThresholds,
  exportWaiting,
  importSwitches,
  importThresholds,
  importWaiting,
  type WaitingState,
} from './thresholds.ts'
import { Arming, importTimers, Places } from './timers.ts'

/** Version of the format. It counts up with each change. */
export const stateVersion = 3

export interface MachineState {
  readonly version: number
  /** ms of the kernel's clock. */
  readonly now: number
  readonly births: number
  readonly arrivals: number
  readonly lastPid: number
  /** Pids of processes and of zombies. */
  readonly pids: readonly number[]
  /** The thread which made the last call. */
  readonly running: ThreadRef | null
  /** Revision of the next definition of a threshold. */
  readonly nextRevision: number
  readonly system: ContainerState
  readonly processes: readonly ProcessState[]
  /** Synchronisation objects which all processes share. */
  readonly shared: readonly SyncState[]
  readonly thresholds: readonly ThresholdState[]
  readonly timeouts: readonly TimeoutSettingState[]
  /** Revision of the next definition of a timeout. */
  readonly nextTimeoutRevision: number
  readonly deadlocks: readonly DeadlockState[]
  readonly notifier: SwitchesState
  /** Armed timers of thresholds. */
  readonly waiting: readonly WaitingState[]
  readonly ended: EndedState
}

/** Preconditions: no update is in progress. */
export function exportState(machine: Machine): MachineState {
  const { kernel } = machine
  const references = new References(machine)
  const places = new Places(machine)
  const processes = machine.processes.all().map((process) => exportProcess(machine, process, { references, places }))
  const shared = exportSyncs(machine.shared, references)
  return {
    version: stateVersion,
    now: kernel.now,
    births: machine.processes.births,
    arrivals: machine.arrivals,
    lastPid: machine.processes.lastPid,
    pids: [...machine.processes.pids].sort((one, other) => one - other),
    running: machine.running === null ? null : references.thread(machine.running),
    nextRevision: kernel.notifier.nextRevision,
    system: exportContainer(kernel, kernel.system),
    processes,
    shared,
    thresholds: exportThresholds(kernel),
    timeouts: exportTimeouts(kernel),
    nextTimeoutRevision: kernel.timers.nextRevision,
    deadlocks: exportDeadlocks(machine),
    notifier: exportSwitches(kernel),
    waiting: exportWaiting(kernel),
    ended: references.ended(),
  }
}

/**
 * Creates a machine in this state. Nothing listens to its kernel yet.
 * @throws KernelError EINVAL when the state has another version or contradicts itself; `field` is a JSON pointer to the
 * place, without its first slash
 */
export function importState(state: MachineState): { kernel: Kernel; machine: Machine } {
  if (state.version !== stateVersion)
    throw new KernelError(
      'EINVAL',
      `the state has version ${state.version}, but only version ${stateVersion} can be loaded`,
      {
        field: 'version',
      },
    )
  const kernel = new Kernel({ abilities: modelAbilities, firstRevision: state.nextRevision, now: state.now })
  const machine = new Machine(kernel, {})
  machine.processes.births = state.births
  machine.arrivals = state.arrivals
  machine.processes.lastPid = state.lastPid
  for (const pid of state.pids) machine.processes.pids.add(pid)
  const arming = new Arming()
  const processes = importProcesses(machine, state, arming)
  const threads = processes.flatMap(({ process, place, state: { threads: states } }) =>
    states.map((threadState, index) => ({
      thread: there(process.threads.get(threadState.tid)),
      state: threadState,
      place: `${place}/threads/${index}`,
    })),
  )
  const referents = new Referents(machine, state.ended)
  importObjects(machine, state.shared, { processes, referents, arming })
  importWaits(machine, { processes, threads, arming })
  importDeadlocks(machine, state.deadlocks)
  arming.arm(machine)
  machine.running = at('running', () => (state.running === null ? null : referents.thread(state.running)))
  importSwitches(kernel, state.notifier)
  const thresholds = importThresholds(kernel, state.thresholds)
  at('system', () => importContainerNodes(kernel, kernel.system, state.system, thresholds))
  for (const each of processes) at(each.place, () => importNode(kernel, each.process, each.state, thresholds))
  for (const each of threads) at(each.place, () => importNode(kernel, each.thread, each.state, thresholds))
  importWaiting(kernel, state.waiting, thresholds)
  importTimeouts(kernel, state, threads)
  checkMachine(machine)
  checkSame(exportState(machine), state)
  return { kernel, machine }
}

interface RestoredProcess {
  readonly process: ModelProcess
  readonly state: ProcessState
  /** Its place in the state, for errors. */
  readonly place: string
}

interface RestoredThread {
  readonly thread: ModelThread
  readonly state: SavedThread
  readonly place: string
}

function importProcesses(machine: Machine, state: MachineState, arming: Arming): RestoredProcess[] {
  const { system } = machine.kernel
  const containers = at('system', () => importPartitions(machine.kernel, system, state.system))
  const processes = state.processes.map((each, index) => {
    const place = `processes/${index}`
    const process = at(place, () => importProcess(machine, each, there(containers.get(each.pid))))
    for (const thread of each.threads) at(place, () => importThread(machine, process, { state: thread, arming }))
    return { process, state: each, place }
  })
  at('system', () => importMembers(machine, system, state.system))
  return processes
}

/** Preconditions: all processes and threads are restored. */
function importObjects(
  machine: Machine,
  shared: readonly SyncState[],
  { processes, referents, arming }: { processes: readonly RestoredProcess[]; referents: Referents; arming: Arming },
): void {
  at('shared', () => importSyncs(machine.shared, shared, { process: null, referents }))
  for (const { process, state, place } of processes) {
    at(`${place}/syncs`, () => importSyncs(process.syncs, state.syncs, { process, referents }))
    at(`${place}/channels`, () => importChannels(process, state.channels, referents))
  }
  for (const { process, state, place } of processes) {
    at(`${place}/connections`, () => importConnections(process, state.connections, referents))
    at(`${place}/timers`, () => importTimers(process, state.timers, arming))
  }
}

/** Preconditions: everything for which threads wait is restored. */
function importWaits(
  machine: Machine,
  {
    processes,
    threads,
    arming,
  }: { processes: readonly RestoredProcess[]; threads: readonly RestoredThread[]; arming: Arming },
): void {
  for (const { thread, state, place } of threads)
    at(`${place}/blocker`, () => importWait(machine, thread, state, arming))
  for (const { process, state, place } of processes)
    at(`${place}/received`, () => sortReceived(process, state.received))
  for (const { thread, state, place } of threads) at(`${place}/serving`, () => importService(thread, state))
}

/** Puts messages in the order in which they were received, not that of their clients in the state. */
function sortReceived({ received }: ModelProcess, rcvids: readonly number[]): void {
  const messages = rcvids.map((rcvid) => there(received.get(rcvid)))
  if (messages.length !== received.size)
    throw new KernelError('EINVAL', `${received.size} clients wait for replies, but ${messages.length} are named`)
  received.clear()
  for (const message of messages) received.set(message.rcvid, message)
}
