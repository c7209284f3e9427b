/** Saves and restores open deadlocks. Which threads are stuck is found again from the waits. */

import type { Deadlock } from '../../kernel/deadlock/deadlock.ts'
import type { Machine } from '../machine.ts'
import { at, atEach } from './references.ts'

export type DeadlockState = Omit<Deadlock, 'members'> & {
  readonly members: readonly (readonly [pid: number, tid: number])[]
}

export function exportDeadlocks({ kernel }: Machine): DeadlockState[] {
  return kernel.deadlocks.all().map((deadlock) => ({
    ...deadlock,
    members: deadlock.members.map(({ parent, tid }) => [parent.pid, tid] as const),
  }))
}

/** Preconditions: everything for which threads wait is restored. */
export function importDeadlocks(machine: Machine, states: readonly DeadlockState[]): void {
  const { kernel } = machine
  const alive = machine.processes.all().flatMap(({ threads }) => [...threads.values()].filter(({ isDead }) => !isDead))
  const deadlocks = atEach('deadlocks', states, (state) => ({
    ...state,
    members: state.members.map(([pid, tid]) => kernel.thread(pid, tid)),
  }))
  at('deadlocks', () => kernel.deadlocks.restore(alive, deadlocks))
}
