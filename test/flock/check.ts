/** What must hold of a run, from what the journal and the controllers' own logs say. Pure. */

import type { ServiceEvent } from '../../src/client/client.ts'

/** The types that the controllers listen for. */
export const heardTypes = [
  'process.created',
  'process.changed',
  'process.died',
  'threshold.tripped',
  'deadlock.detected',
  'deadlock.orphaned',
  'events.lost',
] as const

export type MessageLog = ServiceEvent<(typeof heardTypes)[number]>

export interface Run {
  /** All events of the types that controllers listen for, in order. */
  readonly events: readonly MessageLog[]
  /** Offences up to here are to have been dealt with. */
  readonly cutoff: string
  /** Lines of the log of each controller, whose programs have names that begin with its own and a dash. */
  readonly logs: ReadonlyMap<string, readonly string[]>
  /** What runs in the end, of the flock. */
  readonly alive: readonly { readonly pid: number; readonly name: string; readonly identity: string }[]
  /** All programs, by name. */
  readonly programs: readonly string[]
}

export interface Offence {
  readonly sequence: string
  readonly type: string
  readonly name: string
  readonly identity: string
}

export interface Verdict {
  /** One line each; none where all holds. */
  readonly faults: readonly string[]
  readonly offences: readonly Offence[]
  /** How many events each controller messages, without those that it messages again. */
  readonly messages: ReadonlyMap<string, number>
}

const ownerOf = (name: string): string => name.slice(0, name.indexOf('-'))

export function check(run: Run): Verdict {
  const offences = offencesOf(run)
  const messages = new Map([...run.logs].map(([controller, lines]) => [controller, sequencesIn(lines)]))
  const faults = [
    ...[...messages].flatMap(([controller, sequences]) => unheard(run, controller, sequences)),
    ...offences.filter(({ sequence }) => sequence <= run.cutoff).flatMap((offence) => unanswered(run, offence, messages)),
    ...diedForNothing(run, offences),
    ...run.programs.flatMap((name) => twice(run, name)),
    ...run.programs.filter((name) => name.endsWith('-healthy')).flatMap((name) => notTheFirst(run, name)),
  ]
  return { faults, offences, messages: new Map([...messages].map(([controller, { size }]) => [controller, size])) }
}

const sequencesIn = (lines: readonly string[]): Set<string> =>
  new Set(lines.flatMap((line) => /^seen (\d+) /.exec(line)?.[1] ?? []))

/** Every trip and every proven deadlock of the flock. */
function offencesOf(run: Run): Offence[] {
  return run.events.flatMap(({ type, sequence, data }): Offence[] => {
    if (type === 'threshold.tripped')
      return run.programs.includes(data.name ?? '')
        ? [{ sequence, type, name: data.name!, identity: data.identity! }]
        : []
    if (type !== 'deadlock.detected' && type !== 'deadlock.orphaned') return []
    const pids = new Set(data.members.map(({ path }) => Number(path.split('/')[3])))
    return [...pids].flatMap((pid) => {
      const { name, identity } = whoWas(run, pid, sequence)
      return run.programs.includes(name) ? [{ sequence, type, name, identity }] : []
    })
  })
}

/** Members of a deadlock are named by their pids. Who was born while the service was away is first told of when it dies, or is there yet. */
function whoWas({ events, alive }: Run, pid: number, at: string): { name: string; identity: string } {
  const told = events.flatMap((event) =>
    (event.type === 'process.created' || event.type === 'process.changed' || event.type === 'process.died') &&
    event.data.pid === pid
      ? [event]
      : [],
  )
  const before = told.findLast(({ sequence }) => sequence < at)
  const after = told.find(({ sequence }) => sequence > at)
  const known = before !== undefined && before.type !== 'process.died' ? before.data : after?.data
  return known ?? alive.find((process) => process.pid === pid) ?? { name: '', identity: '' }
}

/** Between the first and the last that it messages there is none that it did not. */
function unheard({ events }: Run, controller: string, messages: ReadonlySet<string>): string[] {
  const [first, last] = [[...messages].sort()[0], [...messages].sort().at(-1)]
  if (first === undefined || last === undefined) return [`${controller} messages nothing`]
  return events
    .filter(({ sequence }) => first <= sequence && sequence <= last && !messages.has(sequence))
    .map(({ sequence, type, subject }) => `${controller} missed ${sequence} ${type} ${subject}`)
}

function unanswered(run: Run, offence: Offence, messages: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const { sequence, type, name, identity } = offence
  const what = `${type} ${sequence} of ${name} ${identity}`
  const after = run.events.filter((event) => event.sequence > sequence)
  const died = after.some((event) => event.type === 'process.died' && event.data.identity === identity)
  // It was killed, and the service before it could tell.
  const untold = after.some((event) => event.type === 'events.lost')
  const others = [
    ...after.flatMap((event) =>
      event.type === 'process.created' || event.type === 'process.changed' ? [event.data] : [],
    ),
    ...run.alive,
  ]
  const isBack = others.some((process) => process.name === name && process.identity !== identity)
  return [
    ...(messages.get(ownerOf(name))?.has(sequence) ? [] : [`${ownerOf(name)} did not hear ${what}`]),
    ...(died || untold ? [] : [`nobody ended the offender of ${what}`]),
    ...(isBack ? [] : [`nobody started ${name} again after ${what}`]),
    ...(run.alive.some((process) => process.identity === identity) ? [`still there: the offender of ${what}`] : []),
  ]
}

function diedForNothing({ events, programs }: Run, offences: readonly Offence[]): string[] {
  return events.flatMap((event) => {
    if (event.type !== 'process.died' || !programs.includes(event.data.name)) return []
    const { name, identity } = event.data
    const offended = offences.some((offence) => offence.identity === identity && offence.sequence < event.sequence)
    return offended ? [] : [`${name} ${identity} died at ${event.sequence}, and had done nothing`]
  })
}

function twice({ alive }: Run, name: string): string[] {
  const count = alive.filter((process) => process.name === name).length
  return count < 2 ? [] : [`${name} runs ${count} times`]
}

/** One that does nothing wrong is the same from its beginning to the end. */
function notTheFirst({ alive, events }: Run, name: string): string[] {
  const identities = new Set(
    events.flatMap((event) =>
      event.type === 'process.changed' && event.data.name === name ? [event.data.identity] : [],
    ),
  )
  for (const process of alive) if (process.name === name) identities.add(process.identity)
  return identities.size === 1 ? [] : [`${name} was ${identities.size} processes`]
}
