/** Checks a run of the flock: compares the journal with the logs of the controllers. Pure. */

import type { ServiceEvent } from '../../src/client/client.ts'

/** Event types that the controllers subscribe to. */
export const watchedTypes = [
  'process.created',
  'process.changed',
  'process.died',
  'threshold.tripped',
  'deadlock.detected',
  'deadlock.orphaned',
  'events.lost',
] as const

export type WatchedEvent = ServiceEvent<(typeof watchedTypes)[number]>

export interface Run {
  /** Every event of the watched types, in order. */
  readonly events: readonly WatchedEvent[]
  /** The controllers must have handled every offence up to this cursor. */
  readonly cutoff: string
  /** Log lines by controller. The programs of a controller have its name and a dash as prefix. */
  readonly logs: ReadonlyMap<string, readonly string[]>
  /** Programs of the flock that run at the end. */
  readonly alive: readonly { readonly pid: number; readonly name: string; readonly identity: string }[]
  /** Names of the programs. */
  readonly programs: readonly string[]
}

export interface Offence {
  readonly sequence: string
  readonly type: string
  readonly name: string
  readonly identity: string
}

export interface Verdict {
  /** One line for each fault. */
  readonly faults: readonly string[]
  readonly offences: readonly Offence[]
  /** Number of different events by controller. */
  readonly received: ReadonlyMap<string, number>
}

const ownerOf = (name: string): string => name.slice(0, name.indexOf('-'))

export function check(run: Run): Verdict {
  const offences = offencesOf(run)
  const received = new Map([...run.logs].map(([controller, lines]) => [controller, sequencesIn(lines)]))
  const faults = [
    ...[...received].flatMap(([controller, sequences]) => missedEvents(run, controller, sequences)),
    ...offences
      .filter(({ sequence }) => sequence <= run.cutoff)
      .flatMap((offence) => unanswered(run, offence, received)),
    ...diedWithoutOffence(run, offences),
    ...run.programs.flatMap((name) => twice(run, name)),
    ...run.programs.filter((name) => name.endsWith('-healthy')).flatMap((name) => wasRestarted(run, name)),
  ]
  return { faults, offences, received: new Map([...received].map(([controller, { size }]) => [controller, size])) }
}

const sequencesIn = (lines: readonly string[]): Set<string> =>
  new Set(lines.flatMap((line) => /^seen (\d+) /.exec(line)?.[1] ?? []))

/** Every tripped threshold and every proven deadlock of the flock. */
function offencesOf(run: Run): Offence[] {
  return run.events.flatMap(({ type, sequence, data }): Offence[] => {
    if (type === 'threshold.tripped')
      return run.programs.includes(data.name ?? '')
        ? [{ sequence, type, name: data.name!, identity: data.identity! }]
        : []
    if (type !== 'deadlock.detected' && type !== 'deadlock.orphaned') return []
    const pids = new Set(data.members.map(({ path }) => Number(path.split('/')[3])))
    return [...pids].flatMap((pid) => {
      const { name, identity } = processAt(run, pid, sequence)
      return run.programs.includes(name) ? [{ sequence, type, name, identity }] : []
    })
  })
}

/**
 * The process that had a pid at a time: a deadlock names its members by pid. A process that started while the service
 * was down first appears in a later event, or is still alive.
 */
function processAt({ events, alive }: Run, pid: number, at: string): { name: string; identity: string } {
  const lifecycle = events.flatMap((event) =>
    (event.type === 'process.created' || event.type === 'process.changed' || event.type === 'process.died') &&
    event.data.pid === pid
      ? [event]
      : [],
  )
  const before = lifecycle.findLast(({ sequence }) => sequence < at)
  const after = lifecycle.find(({ sequence }) => sequence > at)
  const known = before !== undefined && before.type !== 'process.died' ? before.data : after?.data
  return known ?? alive.find((process) => process.pid === pid) ?? { name: '', identity: '' }
}

/** Reports events that a controller missed between the first and the last that it received. */
function missedEvents({ events }: Run, controller: string, received: ReadonlySet<string>): string[] {
  const [first, last] = [[...received].sort()[0], [...received].sort().at(-1)]
  if (first === undefined || last === undefined) return [`${controller} received nothing`]
  return events
    .filter(({ sequence }) => first <= sequence && sequence <= last && !received.has(sequence))
    .map(({ sequence, type, subject }) => `${controller} missed ${sequence} ${type} ${subject}`)
}

function unanswered(run: Run, offence: Offence, received: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { sequence, type, name, identity } = offence
  const what = `${type} ${sequence} of ${name} ${identity}`
  const after = run.events.filter((event) => event.sequence > sequence)
  const died = after.some((event) => event.type === 'process.died' && event.data.identity === identity)
  // The process was killed, and then the service, before it could report the end.
  const isLost = after.some((event) => event.type === 'events.lost')
  const others = [
    ...after.flatMap((event) =>
      event.type === 'process.created' || event.type === 'process.changed' ? [event.data] : [],
    ),
    ...run.alive,
  ]
  const isBack = others.some((process) => process.name === name && process.identity !== identity)
  return [
    ...(received.get(ownerOf(name))?.has(sequence) ? [] : [`${ownerOf(name)} did not receive ${what}`]),
    ...(died || isLost ? [] : [`nobody ended the offender of ${what}`]),
    ...(isBack ? [] : [`nobody started ${name} again after ${what}`]),
    ...(run.alive.some((process) => process.identity === identity) ? [`still there: the offender of ${what}`] : []),
  ]
}

function diedWithoutOffence({ events, programs }: Run, offences: readonly Offence[]): string[] {
  return events.flatMap((event) => {
    if (event.type !== 'process.died' || !programs.includes(event.data.name)) return []
    const { name, identity } = event.data
    const offended = offences.some((offence) => offence.identity === identity && offence.sequence < event.sequence)
    return offended ? [] : [`${name} ${identity} died at ${event.sequence} without an offence`]
  })
}

function twice({ alive }: Run, name: string): string[] {
  const count = alive.filter((process) => process.name === name).length
  return count < 2 ? [] : [`${name} runs ${count} times`]
}

/** Reports a healthy program that did not run as one process from start to end. */
function wasRestarted({ alive, events }: Run, name: string): string[] {
  const identities = new Set(
    events.flatMap((event) =>
      event.type === 'process.changed' && event.data.name === name ? [event.data.identity] : [],
    ),
  )
  for (const process of alive) if (process.name === name) identities.add(process.identity)
  return identities.size === 1 ? [] : [`${name} was ${identities.size} processes`]
}
