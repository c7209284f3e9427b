/**
 * Priority inheritance: who waits lends its priority to whom it waits for, so that a thread never runs below one that
 * needs it. A waiter for a mutex lends to its owner; a SEND-blocked client to the threads that received last on the
 * channel; a REPLY-blocked one to the thread that serves it. What was lent goes back when the wait ends.
 */

import type { Message } from '../objects/channel.ts'
import type { ModelThread } from '../objects/model-thread.ts'

/**
 * What it runs at for itself: of a server, what the message that it received last was sent at, until it receives again.
 */
function ownPriority({ servedPriority, realPriority }: ModelThread): number {
  return servedPriority ?? realPriority
}

function wantedPriority(thread: ModelThread): number {
  let wanted = ownPriority(thread)
  for (const { waiters } of thread.owned ?? []) wanted = Math.max(wanted, waiters.first?.priority ?? 0)
  const { serving, receivedOn } = thread
  return Math.max(wanted, serving?.client.priority ?? 0, receivedOn?.senders.first?.priority ?? 0)
}

/** Those that a blocked thread lends its priority to. */
export function borrowers({ blocker }: ModelThread): Iterable<ModelThread> {
  if (blocker === null) return []
  if (blocker.state === 'MUTEX') return living(blocker.mutex.owner)
  if (blocker.state === 'SEND') return blocker.message.connection.channel.lastReceivers
  return blocker.state === 'REPLY' ? living(serverOf(blocker.message)) : []
}

function living(thread: ModelThread | null): ModelThread[] {
  return thread === null || thread.isDead ? [] : [thread]
}

/** Puts it in its place among those that wait with it. */
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

/** Who works for this message. Its receiver may have received another since. */
function serverOf(message: Message): ModelThread | null {
  return message.receiver?.serving === message ? message.receiver : null
}

/** Preconditions: what it lends to or borrows from has just changed. */
export function refreshPriority(thread: ModelThread): void {
  if (thread.isDead) return
  const wanted = wantedPriority(thread)
  if (wanted > thread.priority) raise(thread, wanted)
  else if (wanted < thread.priority || (wanted > ownPriority(thread) && isInLoop(thread))) lower(thread)
}

/** In a loop of waiters each may hold up the others with what they once borrowed from outside. */
function isInLoop(thread: ModelThread): boolean {
  const reached = new Set(borrowers(thread))
  for (const who of reached) for (const borrower of borrowers(who)) reached.add(borrower)
  return reached.has(thread)
}

function raise(thread: ModelThread, priority: number): void {
  const rising: [ModelThread, number][] = [[thread, priority]]
  for (let next = rising.pop(); next !== undefined; next = rising.pop()) {
    const [who, to] = next
    if (to <= who.priority) continue
    change(who, to)
    for (const borrower of borrowers(who)) rising.push([borrower, wantedPriority(borrower)])
  }
}

/** All that is reached goes back to its own first, and then rises again to what it is still lent. */
function lower(thread: ModelThread): void {
  const reached = new Set([thread])
  for (const who of reached) for (const borrower of borrowers(who)) reached.add(borrower)
  for (const who of reached) change(who, Math.min(who.priority, ownPriority(who)))
  for (const who of reached) {
    const wanted = wantedPriority(who)
    if (wanted > who.priority) raise(who, wanted)
  }
}

/** After `thread` began or ended its wait. Preconditions: `of` are those it lends to, or lent to until now. */
export function refreshBorrowers(of: Iterable<ModelThread>): void {
  for (const borrower of [...of]) refreshPriority(borrower)
}

/** It receives anew or ends, or the channel does: what it inherited is over. */
export function endService(thread: ModelThread): void {
  thread.receivedOn?.lastReceivers.delete(thread)
  thread.receivedOn = null
  thread.servedPriority = null
  thread.serving = null
  refreshPriority(thread)
}
