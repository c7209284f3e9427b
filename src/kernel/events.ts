/** What the kernel tells. The envelope (sequence, source, time as text) is put around it by the event log. */

export const eventTypes = [
  { type: 'process.created', summary: 'a process was born' },
  {
    type: 'process.died',
    summary: 'the last thread of a process ended; with its exit code or signal, and its peak usage',
  },
  { type: 'process.changed', summary: '`what`: exec, name, uid or partition' },
  { type: 'thread.created', summary: 'a thread was born' },
  { type: 'thread.died', summary: 'a thread ended' },
  { type: 'thread.changed', summary: '`what`: state; a thread of the model blocked, or goes on' },
  { type: 'partition.created', summary: 'a partition appeared' },
  { type: 'partition.died', summary: 'a partition went away' },
  { type: 'threshold.tripped', summary: 'usage passed a trip point' },
  { type: 'threshold.acted', summary: 'the signal of a threshold that tripped was sent, or could not be' },
  { type: 'threshold.cleared', summary: '`reason`: rearmed, died, deleted, replaced, expired, disabled or filtered' },
  { type: 'limit.changed', summary: 'a threshold on any change: `from`, and how many `changes` there were' },
  {
    type: 'limit.denied',
    summary:
      'an rlimit, a pool or a threshold refused new use: the subject would have been passed, `cause` was refused',
  },
  { type: 'deadlock.warning', summary: 'a thread has been in a state longer than its default timeout allows' },
  { type: 'deadlock.eased', summary: 'that thread goes on after all, or has ended' },
  { type: 'deadlock.detected', summary: 'threads that can never run again, each waiting for another of them' },
  { type: 'deadlock.orphaned', summary: 'a thread that nobody at all could release' },
  { type: 'deadlock.suspected', summary: 'what would be a deadlock if `reason` holds' },
  { type: 'deadlock.resolved', summary: 'one of them runs again or has ended, or `how` says what else' },
  {
    type: 'state.replaced',
    summary: 'the model is in another state, which was put: everybody is told, wherever they listen',
  },
  { type: 'source.degraded', summary: 'the source cannot see something; `what` and `reason`' },
  { type: 'source.recovered', summary: 'it can again' },
  { type: 'events.lost', summary: 'stands for events that could not be seen: how many, from when to when, why' },
] as const

export type EventType = (typeof eventTypes)[number]['type']

/** Whether an event is for all who listen, whatever their paths. */
export function isForAll(type: string): boolean {
  return type === 'state.replaced' || type === 'events.lost'
}

export interface KernelEvent {
  readonly type: EventType
  /** ms of Unix time. */
  readonly at: number
  /** The pathname that the event is about first. */
  readonly subject: string
  /** Other pathnames it concerns: a subscription to any of them, or above, gets it. */
  readonly about: readonly string[]
  readonly data: Readonly<Record<string, unknown>>
}
