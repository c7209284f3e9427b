/**
 * Priority inheritance: a waiting thread lends its priority to the thread for which it waits, so that a thread never
 * runs below one which needs it. A waiter for a mutex lends to its owner. A SEND-blocked client lends to the threads
 * which received last on the channel, as a queued pulse does, and a REPLY-blocked client to the thread which serves it.
 * The end of a wait ends the loan.
 */

import type { Channel, Message } from '../objects/channel.ts'
import type { ModelThread } from '../objects/model-thread.ts'

/** Priority without loans. For a server, that of the message which it received last, until it receives again. */
function ownPriority({ servedPriority, realPriority }: ModelThread): number {
  return servedPriority ?? realPriority
}

function neededPriority(thread: ModelThread): number {
  let needed = ownPriority(thread)
  for (const { waiters } of thread.owned ?? []) needed = Math.max(needed, waiters.first?.priority ?? 0)
  const { serving, receivedOn } = thread
  return Math.max(needed, serving?.client.priority ?? 0, receivedOn === null ? 0 : queuedPriority(receivedOn))
}

/** Highest priority of the messages and pulses which wait at a channel; 0 without any. */
export function queuedPriority({ senders, pulses }: Channel): number {
  return Math.max(senders.first?.priority ?? 0, pulses[0]?.priority ?? 0)
}

/** Threads to which a blocked thread lends its priority. */
export function borrowers({ blocker }: ModelThread): Iterable<ModelThread> {
  if (blocker === null) return []
  if (blocker.state === 'MUTEX') return living(blocker.mutex.owner)
  if (blocker.state === 'SEND') return blocker.message.connection.channel.lastReceivers
  return blocker.state === 'REPLY' ? living(serverOf(blocker.message)) : []
}

function living(thread: ModelThread | null): ModelThread[] {
  return thread === null || thread.isDead ? [] : [thread]
}

/** Changes the priority of a thread, and its place in the queue in which it waits. */
function change(thread: ModelThread, priority: number): void {
  if (thread.priority === priority) return
  thread.priority = priority
  thread.noteChange()
  const { queue } = thread
  if (queue !== null) {
    queue.remove(thread)
    queue.insert(thread)
  }
}

/** The thread which serves a message; null when its receiver has received another one since. */
function serverOf(message: Message): ModelThread | null {
  return message.receiver?.serving === message ? message.receiver : null
}

/** Computes the priority of a thread again. Preconditions: its lenders or borrowers have just changed. */
export function refreshPriority(thread: ModelThread): void {
  if (thread.isDead) return
  const needed = neededPriority(thread)
  if (needed > thread.priority) raise(thread, needed)
  else if (needed < thread.priority || (needed > ownPriority(thread) && isInLoop(thread))) lower(thread)
}

/** In a loop of waiters, each may hold the others at a priority which they once borrowed from outside the loop. */
function isInLoop(thread: ModelThread): boolean {
  const reached = new Set(borrowers(thread))
  for (const one of reached) for (const borrower of borrowers(one)) reached.add(borrower)
  return reached.has(thread)
}

function raise(thread: ModelThread, priority: number): void {
  const rising: [ModelThread, number][] = [[thread, priority]]
  for (let next = rising.pop(); next !== undefined; next = rising.pop()) {
    const [one, to] = next
    if (to <= one.priority) continue
    change(one, to)
    for (const borrower of borrowers(one)) rising.push([borrower, neededPriority(borrower)])
  }
}

/** Resets every thread which is reached to its own priority, and then raises it to what is still lent to it. */
function lower(thread: ModelThread): void {
  const reached = new Set([thread])
  for (const one of reached) for (const borrower of borrowers(one)) reached.add(borrower)
  for (const one of reached) change(one, Math.min(one.priority, ownPriority(one)))
  for (const one of reached) {
    const needed = neededPriority(one)
    if (needed > one.priority) raise(one, needed)
  }
}

/** Computes the priorities of threads again to which a thread lends, or has lent until now. */
export function refreshBorrowers(threads: Iterable<ModelThread>): void {
  for (const borrower of [...threads]) refreshPriority(borrower)
}

/** Ends what a thread has inherited from a message: it receives again or ends, or the channel is destroyed. */
export function endService(thread: ModelThread): void {
  thread.receivedOn?.lastReceivers.delete(thread)
  thread.receivedOn = null
  thread.servedPriority = null
  thread.serving = null
  refreshPriority(thread)
}
