/**
 * Computes stuck threads, deadlocks and orphans from scratch in the plainest way, as the design defines them. Tests
 * compare the detector with it.
 */

import type { Machine } from '../../../../src/model/machine.ts'
import type { ModelThread } from '../../../../src/model/objects/model-thread.ts'
import { livingThreads } from './system.ts'

/** @returns the threads that could release this one, or null if its state is not traced. */
export function releasersOf({ blocker }: ModelThread): readonly ModelThread[] | null {
  switch (blocker?.state) {
    case 'MUTEX':
    case 'CONDVAR': {
      const { owner } = blocker.mutex
      if (owner === null) return null
      return owner.isDead ? [] : [owner]
    }
    case 'JOIN':
      return [blocker.thread]
    case 'SEND':
    case 'REPLY':
      return [...blocker.message.connection.channel.owner.threads.values()].filter(({ isDead }) => !isDead)
    default:
      return null
  }
}

/** The same, on the assumption that only the receiver of a message replies to it. */
export const releasersIfReceiversReply = (thread: ModelThread): readonly ModelThread[] | null =>
  thread.blocker?.state === 'REPLY' ? [thread.blocker.message.receiver!] : releasersOf(thread)

type Releasers = (thread: ModelThread) => readonly ModelThread[] | null

/** Computes the greatest set of threads whose releasers are all in the set. */
export function stuckThreads(machine: Machine, releasers: Releasers = releasersOf): Set<ModelThread> {
  const stuck = new Set(livingThreads(machine).filter((thread) => releasers(thread) !== null))
  for (let isShrinking = true; isShrinking; ) {
    isShrinking = false
    for (const thread of stuck) {
      if (releasers(thread)!.every((releaser) => stuck.has(releaser))) continue
      stuck.delete(thread)
      isShrinking = true
    }
  }
  return stuck
}

/** Collects every thread that the waits of this one lead to. */
export function reachedFrom(thread: ModelThread, releasers: Releasers = releasersOf): Set<ModelThread> {
  const reached = new Set(releasers(thread) ?? [])
  for (const each of reached) for (const next of releasers(each) ?? []) reached.add(next)
  return reached
}

const pathsOf = (threads: Iterable<ModelThread>): string =>
  [...threads]
    .map(({ path }) => path)
    .sort()
    .join(' ')

/** Lists the members of each deadlock, and each orphan, by definition. */
export function knotsByDefinition(stuck: ReadonlySet<ModelThread>): string[] {
  const knots = new Set<string>()
  for (const thread of stuck) {
    const reached = reachedFrom(thread)
    if (releasersOf(thread)!.length === 0) knots.add(`orphaned ${thread.path}`)
    else if ([...reached].every((other) => reachedFrom(other).has(thread))) knots.add(`detected ${pathsOf(reached)}`)
  }
  return [...knots].sort()
}

/** Lists the deadlocks and orphans that the kernel has detected, in the same form. */
export const detectedKnots = ({ kernel }: Machine): string[] =>
  kernel.deadlocks
    .all()
    .filter(({ kind }) => kind !== 'suspected')
    .map(({ kind, members }) => `${kind} ${pathsOf(members as readonly ModelThread[])}`)
    .sort()
