/**
 * What has been told and is to be told the end of, over a restart of the service: deadlocks, and warnings of long waits.
 * A deadlock that is still there is found again, as another: whoever heard of the one before is told that it is over as far
 * as anybody knows. A thread that still waits in the state that was warned of is not warned of again.
 */

import { aboutOf, type DeadlockKind, deadlockPath } from '../deadlock/deadlock.ts'
import type { TimeoutDefinition } from '../deadlock/default-timeout.ts'
import { KernelError } from '../errno.ts'
import { type EventType, eventRowOf, type KernelEvent } from '../events.ts'
import type { Kernel } from '../kernel.ts'
import type { Thread } from '../nodes/thread.ts'
import type { ThreadState } from '../states.ts'

interface Told {
  /** Subject of its event. */
  readonly path: string
  readonly about: readonly string[]
  /** As it was told. */
  readonly since: string
}

export interface OpenDeadlock extends Told {
  readonly kind: 'deadlock'
  readonly was: DeadlockKind
  readonly members: readonly { readonly path: string; readonly name: string }[]
}

export interface OpenWarning extends Told {
  readonly kind: 'warning'
  readonly timeout: string
  readonly pid: number
  readonly tid: number
  readonly name: string
  readonly identity: string
  readonly state: ThreadState
}

export type OpenAlert = OpenDeadlock | OpenWarning

/** Null where the event opens no alert that outlives a restart. */
export function alertOpenedBy({ type, subject: path, about, data }: KernelEvent): OpenAlert | null {
  switch (type) {
    case 'deadlock.detected':
    case 'deadlock.orphaned':
    case 'deadlock.suspected': {
      const { since, members } = data
      return { kind: 'deadlock', path, about, was: deadlockKinds[type], since, members: members.map(named) }
    }
    case 'deadlock.warning': {
      const { timeout, pid, tid, name, identity, since, state } = data
      return state === null ? null : { kind: 'warning', path, about, timeout, pid, tid, name, identity, since, state }
    }
    default:
      return null
  }
}

const deadlockKinds = {
  'deadlock.detected': 'detected',
  'deadlock.orphaned': 'orphaned',
  'deadlock.suspected': 'suspected',
} as const satisfies Partial<Record<EventType, DeadlockKind>>

export function closesAlert(type: EventType): boolean {
  const closed = eventRowOf(type)?.closes
  return closed === 'deadlock' || closed === 'long-wait'
}

function named({ path, name }: { readonly path: string; readonly name: string }) {
  return { path, name }
}

function dateText(ms: number): string {
  return new Date(ms).toISOString()
}

/** All that is so now. */
export function openAlerts({ deadlocks, timers }: Kernel): OpenAlert[] {
  return [
    ...deadlocks.all().map(
      (deadlock): OpenDeadlock => ({
        kind: 'deadlock',
        path: deadlockPath(deadlock),
        about: aboutOf(deadlock.members),
        was: deadlock.kind,
        since: dateText(deadlock.since),
        members: deadlock.members.map(named),
      }),
    ),
    ...timers.warnings().map(({ thread, since, ...rest }) => warningOf(thread, { ...rest, since: dateText(since) })),
  ]
}

function warningOf(
  { path, parent, tid, name }: Thread,
  { timeout, ...rest }: Pick<OpenWarning, 'timeout' | 'state' | 'since'>,
): OpenWarning {
  const { pid, identity, partition } = parent
  const about = partition === null ? [timeout] : [timeout, partition.path]
  return { kind: 'warning', path, about, timeout, pid, tid, name, identity, ...rest }
}

/** Before anything is found anew. */
export function endDeadlocks(kernel: Kernel, told: readonly OpenAlert[]): void {
  for (const each of told) {
    if (each.kind !== 'deadlock') continue
    const { path, about, was, since, members } = each
    const data = { how: 'restarted', thread: null, was, since, members } as const
    kernel.emit('deadlock.resolved', { subject: path, about, data })
  }
}

/** Preconditions: all that lives is known, and no timeout is set here yet; `definitions` are those that will be, by pathname. */
export function resumeWarnings(
  kernel: Kernel,
  told: readonly OpenAlert[],
  definitions: ReadonlyMap<string, TimeoutDefinition>,
): void {
  for (const each of told) {
    if (each.kind !== 'warning') continue
    const { kind: _, path, about, timeout, state, ...rest } = each
    const thread = threadOf(kernel, each)
    const definition = definitions.get(timeout)
    if (thread !== null && kernel.timers.resume(thread, { timeout, definition, state, since: Date.parse(each.since) }))
      continue
    const now = thread === null ? 'DEAD' : thread.condition.state
    kernel.emit('deadlock.eased', { subject: path, about, data: { timeout, ...rest, state, now, blocked: null } })
  }
}

function threadOf(kernel: Kernel, { pid, tid, identity }: OpenWarning): Thread | null {
  try {
    const thread = kernel.thread(pid, tid)
    return thread.parent.identity === identity ? thread : null
  } catch (error) {
    if (error instanceof KernelError) return null
    throw error
  }
}
