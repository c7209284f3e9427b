/** Saves and restores what threads wait for. Their places in queues follow from priority and arrival. */

import { assert, KernelError } from '../../kernel/errno.ts'
import { queueOf } from '../calls/scheduling.ts'
import type { Machine } from '../machine.ts'
import type { AfterMutex, Blocker } from '../objects/blocker.ts'
import type { Message, Payload } from '../objects/channel.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { Condvar, Mutex, Semaphore, type Sync } from '../objects/sync.ts'
import { Sleep } from '../objects/timer.ts'
import { there } from './references.ts'
import { namesOf, signalsNamed } from './signals.ts'
import type { ArmedState, Arming, Places } from './timers.ts'

export type BlockerState =
  | { readonly state: 'SEND'; readonly coid: number; readonly payload: Payload }
  | {
      readonly state: 'REPLY'
      readonly coid: number
      readonly payload: Payload
      readonly rcvid: number
      /** tid in the server's process. */
      readonly receiver: number
    }
  | { readonly state: 'RECEIVE'; readonly chid: number }
  | { readonly state: 'MUTEX'; readonly mutex: string; readonly after: AfterMutex }
  | { readonly state: 'CONDVAR'; readonly condvar: string; readonly mutex: string; readonly count: number }
  | { readonly state: 'SEM'; readonly semaphore: string }
  | { readonly state: 'JOIN'; readonly tid: number }
  | { readonly state: 'NANOSLEEP'; readonly armed: ArmedState }
  | { readonly state: 'SIGWAITINFO'; readonly signals: readonly string[] }
  | { readonly state: 'SIGSUSPEND'; readonly formerMask: readonly string[] }
  | { readonly state: 'STOPPED' }

export function exportBlocker(blocker: Blocker, places: Places): BlockerState {
  const { state } = blocker
  switch (state) {
    case 'SEND':
    case 'REPLY':
      return exportMessage(state, blocker.message)
    case 'RECEIVE':
      return { state, chid: blocker.channel.chid }
    case 'MUTEX':
      return { state, mutex: blocker.mutex.name, after: blocker.after }
    case 'CONDVAR':
      return { state, condvar: blocker.condvar.name, mutex: blocker.mutex.name, count: blocker.count }
    case 'SEM':
      return { state, semaphore: blocker.semaphore.name }
    case 'JOIN':
      return { state, tid: blocker.thread.tid }
    case 'NANOSLEEP':
      return { state, armed: places.of(blocker.sleep) }
    case 'SIGWAITINFO':
      return { state, signals: namesOf(blocker.signals) }
    case 'SIGSUSPEND':
      return { state, formerMask: namesOf(blocker.formerMask) }
    case 'STOPPED':
      return { state }
  }
}

function exportMessage(state: 'SEND' | 'REPLY', { connection, payload, rcvid, receiver }: Message): BlockerState {
  const { coid } = connection
  if (state === 'SEND') return { state, coid, payload }
  assert(receiver !== null, 'a message which waits for its reply was received')
  return { state, coid, payload, rcvid, receiver: receiver.tid }
}

/** Preconditions: everything for which threads can wait is restored. */
export function importBlocker(machine: Machine, thread: ModelThread, state: BlockerState, arming: Arming): Blocker {
  const blocker = blockerOf(machine, thread, state, arming)
  queueOf(blocker)?.insert(thread)
  if (blocker.state === 'CONDVAR') blocker.mutex.awaited++
  if (blocker.state === 'JOIN') blocker.thread.joiner = thread
  return blocker
}

function blockerOf(machine: Machine, thread: ModelThread, blocker: BlockerState, arming: Arming): Blocker {
  const { state } = blocker
  const { parent } = thread
  const sync = (name: string): Sync => there((name.startsWith('/') ? machine.shared : parent.syncs).get(name))
  switch (state) {
    case 'SEND':
    case 'REPLY':
      return { state, message: messageOf(thread, blocker) }
    case 'RECEIVE':
      return { state, channel: there(parent.channels.get(blocker.chid)) }
    case 'MUTEX':
      return { state, mutex: typed(Mutex, sync(blocker.mutex)), after: blocker.after }
    case 'CONDVAR': {
      const [condvar, mutex] = [typed(Condvar, sync(blocker.condvar)), typed(Mutex, sync(blocker.mutex))]
      return { state, condvar, mutex, count: blocker.count }
    }
    case 'SEM':
      return { state, semaphore: typed(Semaphore, sync(blocker.semaphore)) }
    case 'JOIN':
      return { state, thread: there(parent.threads.get(blocker.tid)) }
    case 'NANOSLEEP':
      return { state, sleep: arming.add(new Sleep(thread), blocker.armed) }
    case 'SIGWAITINFO':
      return { state, signals: signalsNamed(blocker.signals) }
    case 'SIGSUSPEND':
      return { state, formerMask: signalsNamed(blocker.formerMask) }
    case 'STOPPED':
      return { state }
  }
}

function messageOf(client: ModelThread, blocker: Extract<BlockerState, { state: 'SEND' | 'REPLY' }>): Message {
  const connection = there(client.parent.connections.get(blocker.coid))
  const message: Message = { client, connection, payload: blocker.payload, rcvid: 0, receiver: null }
  if (blocker.state === 'SEND') return message
  message.rcvid = blocker.rcvid
  message.receiver = there(connection.channel.owner.threads.get(blocker.receiver))
  return message
}

function typed<T extends Sync>(type: new (...parts: never[]) => T, sync: Sync): T {
  if (!(sync instanceof type)) throw new KernelError('EINVAL', `${sync.name} is a ${sync.type}`)
  return sync
}
