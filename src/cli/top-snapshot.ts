/** Reads what `introspectd top` shows: the head about the machine, and one of the three lists below it. */

import type { ThresholdView } from '../tree/threshold-views.ts'
import type { LimitView, ProcessView, SystemView, ThreadView } from '../tree/views.ts'
import { type Chosen, readProcesses } from './process-table.ts'
import type { ServiceConnection } from './service-connection.ts'

const deadlocksPath = '/sys/deadlocks'

/** The list that is wanted. */
export type TopView =
  | { readonly kind: 'processes' }
  | { readonly kind: 'threads'; readonly pid: number }
  | { readonly kind: 'deadlocks' }

/** The list that was read. */
export type TopBody =
  | { readonly kind: 'processes'; readonly entries: readonly ProcessView[] }
  | { readonly kind: 'threads'; readonly pid: number; readonly entries: readonly ThreadView[] }
  | { readonly kind: 'deadlocks'; readonly lines: readonly string[] }

/** Replies of the service from which one frame is drawn. */
export interface TopSnapshot {
  /** Unix time in ms. */
  readonly at: number
  readonly system: SystemView
  readonly cpu: LimitView
  readonly memory: LimitView
  readonly thresholds: readonly ThresholdView[]
  /** Number of deadlocks. */
  readonly deadlocks: number
  readonly body: TopBody
}

/** @throws CliError */
export async function readSnapshot(
  connection: ServiceConnection,
  { chosen, view }: { chosen: Chosen; view: TopView },
  signal: AbortSignal,
): Promise<TopSnapshot> {
  const { client } = connection
  const [body, system, cpu, memory, thresholds, deadlocks] = await Promise.all([
    readList(connection, { chosen, view }, signal),
    connection.reply(client.get('/sys', { signal })),
    connection.reply(client.get('/sys/cpu', { signal })),
    connection.reply(client.get('/sys/memory', { signal })),
    connection.reply(client.get('/sys/thresholds', { signal })),
    connection.reply(client.get(deadlocksPath, { signal })),
  ])
  return {
    at: Date.now(),
    body,
    system: system.body,
    cpu: cpu.body,
    memory: memory.body,
    thresholds: thresholds.body.entries,
    deadlocks: deadlocks.body.entries.length,
  }
}

/** @throws CliError */
async function readList(
  connection: ServiceConnection,
  { chosen, view }: { chosen: Chosen; view: TopView },
  signal: AbortSignal,
): Promise<TopBody> {
  const { client } = connection
  if (view.kind === 'threads') {
    const { pid } = view
    const { body } = await connection.reply(client.get(`/sys/proc/${pid}/thread`, { signal }))
    return { kind: 'threads', pid, entries: body.entries }
  }
  if (view.kind === 'deadlocks') {
    const path: string = deadlocksPath
    const { body } = await connection.reply(client.get(path, { query: { format: 'text' }, signal }))
    return { kind: 'deadlocks', lines: String(body).trimEnd().split('\n') }
  }
  const { processes } = await readProcesses(connection, chosen, signal)
  return { kind: 'processes', entries: processes }
}
