/** A deadlock in words, for whoever is woken by it. */

import type { DeadlockView, WaitingView } from './deadlock-views.ts'
import { printable } from './text.ts'

export function explain({ id, kind, reason, since, closing, members, victims }: DeadlockView): string {
  const lines = [
    `Deadlock ${id}: ${headings[kind](members.length)}${reason === undefined ? '' : ` (${reason})`}.`,
    `  since ${since}, when ${closed(closing)}`,
    ...members.map((member) => `  ${waits(member)}`),
  ]
  if (victims.length > 0) {
    lines.push(`  ${counted(victims.length, 'other thread')} wait${victims.length === 1 ? 's' : ''} behind:`)
    lines.push(...victims.map((victim) => `    ${waits(victim)}`))
  }
  return `${lines.map(printable).join('\n')}\n`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

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

/** One line: who waits for what, who has that, and since when. */
function waits({ path, name, state, object, owner, likely, since }: WaitingView): string {
  const who = `${path} (${name})`
  if (object === null) return `${who} waits in ${state ?? 'a state that is not known'}, since ${since}`
  const whom = owner === null ? 'which nobody has' : `${holds[state ?? ''] ?? 'held by'} ${owner}`
  const receiver = likely === undefined ? '' : `, received by ${likely}`
  const what = state === 'JOIN' ? `the end of ${object}` : `${object}, ${whom}${receiver}`
  return `${who} waits in ${state} for ${what}, since ${since}`
}

const holds: Readonly<Record<string, string>> = { SEND: 'to be received by', REPLY: 'to be replied to by' }
