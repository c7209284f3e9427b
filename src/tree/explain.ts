/** Describes a deadlock in sentences, for the person who must resolve it. */

import { printable } from '../base/terminal-text.ts'
import type { Thread } from '../kernel/nodes/thread.ts'
import type { DeadlockView } from './deadlock-views.ts'
import { sentence } from './draw-waits.ts'

export function explain({ id, kind, reason, since, closing, members, victims }: DeadlockView): string {
  const lines = [
    `Deadlock ${id}: ${headings[kind](members.length)}${reason === undefined ? '' : ` (${reason})`}.`,
    `  since ${since}, when ${closed(closing)}`,
    ...members.map((member) => `  ${sentence(member)}`),
  ]
  if (victims.length > 0) {
    lines.push(`  ${counted(victims.length, 'other thread')} wait${victims.length === 1 ? 's' : ''} behind:`)
    lines.push(...victims.map((victim) => `    ${sentence(victim)}`))
  }
  return `${lines.map(printable).join('\n')}\n`
}

/** No deadlock was found. Threads that cannot be read may still be in one. */
export function noneAmong(threads: Iterable<Thread>): string {
  let read = 0
  const unread = new Map<string, number>()
  for (const { condition } of threads) {
    if (condition.state !== null) read++
    else unread.set(condition.why ?? 'not known', (unread.get(condition.why ?? 'not known') ?? 0) + 1)
  }
  const others = [...unread].map(([why, count]) => `  ${counted(count, 'more thread')} could not be read: ${why}`)
  return `${[`No deadlock among the ${counted(read, 'thread')} that could be read.`, ...others].map(printable).join('\n')}\n`
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

const headings: Readonly<Record<DeadlockView['kind'], (members: number) => string>> = {
  detected: (members) =>
    members === 1
      ? 'a thread waits for itself and can never run again'
      : `${members} threads wait for one another and can never run again`,
  orphaned: () => 'a thread waits for what nobody can ever release',
  suspected: (members) => `${counted(members, 'thread')} may never run again`,
}

function closed({ what, thread, state, call }: DeadlockView['closing']): string {
  if (what === 'observed' || thread === null) return 'it was first seen'
  if (what === 'ended') return `${thread} ended`
  if (what === 'released') return `${thread} was released`
  return `${thread} blocked in ${state}${call === null ? '' : `, by ${call}`}`
}
