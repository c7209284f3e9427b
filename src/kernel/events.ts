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
  { type: 'threshold.cleared', summary: '`reason`: rearmed, died, deleted, replaced, expired, disabled or filtered' },
  { type: 'limit.changed', summary: 'a threshold on any change: `from`, and how many `changes` there were' },
  { type: 'source.degraded', summary: 'the source cannot see something; `what` and `reason`' },
  { type: 'source.recovered', summary: 'it can again' },
  { type: 'events.lost', summary: 'stands for events that could not be seen: how many, from when to when, why' },
] as const

export type EventType = (typeof eventTypes)[number]['type']

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
