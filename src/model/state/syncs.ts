/**
 * Saves and restores mutexes, condition variables and semaphores. Threads which wait for them are saved with the
 * threads.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import { Condvar, Mutex, type MutexKind, Semaphore, type Sync } from '../objects/sync.ts'
import type { References, Referents, ThreadRef } from './references.ts'

export type SyncState =
  | {
      readonly type: 'mutex'
      readonly name: string
      readonly kind: MutexKind
      readonly owner: ThreadRef | null
      readonly count: number
    }
  | { readonly type: 'condvar'; readonly name: string }
  | { readonly type: 'semaphore'; readonly name: string; readonly value: number }

export function exportSyncs(syncs: ReadonlyMap<string, Sync>, references: References): SyncState[] {
  return [...syncs.values()].map((sync) => exportSync(sync, references))
}

function exportSync(sync: Sync, references: References): SyncState {
  const { type, name } = sync
  switch (type) {
    case 'mutex': {
      const { kind, owner, count } = sync
      return { type, name, kind, owner: owner === null ? null : references.thread(owner), count }
    }
    case 'condvar':
      return { type, name }
    case 'semaphore':
      return { type, name, value: sync.value }
  }
}

/** `process` is null for shared objects. */
export function importSyncs(
  into: Map<string, Sync>,
  states: readonly SyncState[],
  { process, referents }: { process: ModelProcess | null; referents: Referents },
): void {
  for (const state of states) into.set(state.name, importSync(state, process, referents))
}

function importSync(state: SyncState, process: ModelProcess | null, referents: Referents): Sync {
  if (state.type === 'condvar') return new Condvar(state.name, process)
  if (state.type === 'semaphore') return new Semaphore(state.name, process, state.value)
  const mutex = new Mutex(state.name, process, state.kind)
  if (state.owner === null) return mutex
  if (state.count === 0) throw new KernelError('EINVAL', `${state.name} has an owner which has not locked it`)
  mutex.owner = referents.thread(state.owner)
  mutex.count = state.count
  mutex.owner.owned ??= new Set()
  mutex.owner.owned.add(mutex)
  return mutex
}
