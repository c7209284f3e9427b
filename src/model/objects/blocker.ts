/** Defines the reason why a thread is blocked, typed by its state. The edges of the wait-for graph follow from it. */

import type { ThreadWait, Wait } from '../../kernel/nodes/wait.ts'
import type { SignalSet } from '../signals.ts'
import type { Channel, Message } from './channel.ts'
import type { ModelThread } from './model-thread.ts'
import type { Condvar, Mutex, Semaphore } from './sync.ts'
import type { Sleep } from './timer.ts'

/**
 * The end of a wait for a mutex. `locked` completes SyncMutexLock. The others complete SyncCondvarWait, which takes its
 * mutex again after the condition was signalled or has timed out.
 */
export type AfterMutex = { readonly outcome: 'locked' | 'signalled' | 'timed-out'; readonly count: number }

export type Blocker =
  | { readonly state: 'SEND' | 'REPLY'; readonly message: Message }
  | { readonly state: 'RECEIVE'; readonly channel: Channel }
  | { readonly state: 'MUTEX'; readonly mutex: Mutex; readonly after: AfterMutex }
  | { readonly state: 'CONDVAR'; readonly condvar: Condvar; readonly mutex: Mutex; readonly count: number }
  | { readonly state: 'SEM'; readonly semaphore: Semaphore }
  | { readonly state: 'JOIN'; readonly thread: ModelThread }
  | { readonly state: 'NANOSLEEP'; readonly sleep: Sleep }
  | { readonly state: 'SIGWAITINFO'; readonly signals: SignalSet }
  | { readonly state: 'SIGSUSPEND'; readonly formerMask: SignalSet }
  | { readonly state: 'STOPPED' }

export type BlockedState = Blocker['state']

export type Described = Readonly<Record<string, string | number>>

function describeMessage({ connection, receiver }: Message, state: 'SEND' | 'REPLY'): Described {
  const { channel, server } = connection
  return {
    coid: connection.coid,
    channel: channel.path,
    scoid: server.scoid,
    server: channel.owner.path,
    ...(state === 'REPLY' && receiver !== null && { receiver: receiver.path }),
  }
}

/** Describes a blocker as clients see it. */
export function describeBlocker(blocker: Blocker): Described {
  switch (blocker.state) {
    case 'SEND':
    case 'REPLY':
      return describeMessage(blocker.message, blocker.state)
    case 'RECEIVE':
      return { channel: blocker.channel.path }
    case 'MUTEX':
      return describeMutex(blocker.mutex)
    case 'CONDVAR':
      return { condvar: blocker.condvar.name, mutex: blocker.mutex.name }
    case 'SEM':
      return { semaphore: blocker.semaphore.name }
    case 'JOIN':
      return { thread: blocker.thread.path }
    case 'NANOSLEEP':
      return { until: new Date(blocker.sleep.at).toISOString() }
    case 'SIGWAITINFO':
      return { signals: [...blocker.signals].map(({ name }) => name).join(' ') }
    case 'SIGSUSPEND':
    case 'STOPPED':
      return {}
  }
}

function describeMutex({ name, owner }: Mutex): Described {
  return {
    mutex: name,
    ...(owner !== null && { owner: owner.path, ...(owner.isDead && { ownerState: 'DEAD' }) }),
  }
}

function mutexWait(state: 'MUTEX' | 'CONDVAR', { name, owner }: Mutex, evidence: 'timed' | null): ThreadWait {
  return {
    state,
    object: name,
    evidence,
    releaser: owner === null || owner.isDead ? null : owner,
    owner: owner?.path ?? null,
  }
}

/**
 * Finds who can release a thread; null when that is not traced. A wait for a condition is traced only while the mutex
 * which the thread must take again has an owner.
 * @param isTimed the wait ends by itself, at the time which TimerTimeout has set
 */
export function waitOf(blocker: Blocker, isTimed: boolean): Wait | null {
  const evidence = isTimed ? 'timed' : null
  switch (blocker.state) {
    case 'SEND':
    case 'REPLY': {
      const { connection, receiver } = blocker.message
      const { channel } = connection
      return { state: blocker.state, object: channel.path, evidence, releasers: channel.owner, likely: receiver }
    }
    case 'MUTEX':
      return mutexWait('MUTEX', blocker.mutex, evidence)
    case 'CONDVAR':
      return blocker.mutex.owner === null ? null : mutexWait('CONDVAR', blocker.mutex, evidence)
    case 'JOIN':
      return joinWait(blocker.thread, evidence)
    default:
      return null
  }
}

function joinWait(thread: ModelThread, evidence: 'timed' | null): ThreadWait {
  return {
    state: 'JOIN',
    object: thread.path,
    evidence,
    releaser: thread,
    owner: thread.path,
  }
}
