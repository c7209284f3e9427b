/**
 * Exports and restores open alerts, so that their ends are still reported after a restart of the service: deadlocks,
 * and warnings of long waits. A deadlock that still exists after the restart is found again under another id, so the
 * former one is resolved with the cause `restarted`. A thread that still waits in the state of its warning causes no
 * second warning.
 */

import { aboutOf, type DeadlockKind, deadlockPath } from '../deadlock/deadlock.ts'
import type { TimeoutDefinition } from '../deadlock/default-timeout.ts'
import { KernelError } from '../errno.ts'
import { type EventType, eventRowOf, type KernelEvent } from '../events.ts'
import type { Kernel } from '../kernel.ts'
import type { Thread } from '../nodes/thread.ts'
import type { ThreadState } from '../states.ts'

interface Alert {
  /** Subject of the event that opened the alert. */
  readonly path: string
  readonly about: readonly string[]
  /** Beginning as the event reported it. */
  readonly since: string
}

export interface OpenDeadlock extends Alert {
  readonly kind: 'deadlock'
  readonly was: DeadlockKind
  readonly members: readonly { readonly path: string; readonly name: string }[]
}

export interface OpenWarning extends Alert {
  readonly kind: 'warning'
  readonly timeout: string
  readonly pid: number
  readonly tid: number
  readonly name: string
  readonly identity: string
  readonly state: ThreadState
}

export type OpenAlert = OpenDeadlock | OpenWarning

/** The alert that the event opens; null if it opens none that is persisted. */
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

/** The alerts that are open now. */
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

/** Resolves the deadlocks from before a restart. Preconditions: the kernel has not found a deadlock yet. */
export function endDeadlocks(kernel: Kernel, alerts: readonly OpenAlert[]): void {
  for (const each of alerts) {
    if (each.kind !== 'deadlock') continue
    const { path, about, was, since, members } = each
    const data = { how: 'restarted', thread: null, was, since, members } as const
    kernel.emit('deadlock.resolved', { subject: path, about, data })
  }
}

/**
 * Resumes the warnings from before a restart, and emits the end of those whose wait is over.
 * Preconditions: the kernel knows all processes and threads, and no timeout is set yet.
 * @param definitions Timeouts that are set next, by pathname.
 */
export function resumeWarnings(
  kernel: Kernel,
  alerts: readonly OpenAlert[],
  definitions: ReadonlyMap<string, TimeoutDefinition>,
): void {
  for (const each of alerts) {
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
