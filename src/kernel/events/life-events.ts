/** Events of the life of processes, threads and partitions. */

import { described, literal, nullable, oneOf, optional, text, time, whole } from '../fields.ts'
import { plainText, withName } from './line-parts.ts'
import { eventRow } from './row.ts'
import { errno, on, partition, peak, process, self, state, thread, threadState } from './shared-fields.ts'

const executable = described(nullable(text), 'Null for kernel threads, and where it may not be read')
const uid = described(nullable(whole), 'Effective user id')

export const lifeEvents = [
  eventRow({
    type: 'process.created',
    summary: 'a process was born',
    severity: 'info',
    data: {
      ...process,
      name: described(text, 'On Linux its parent’s at first: it gets its own at exec'),
      started: time,
      parent: described(nullable(whole), 'pid; null where there is none or it is not known'),
      executable,
      uid,
      partition,
      self,
    },
    line: ({ name, parent, uid }) => withName(name, `parent ${plainText(parent)}, uid ${plainText(uid)}`),
  }),
  eventRow({
    type: 'process.died',
    summary: 'the last thread of a process ended; with its exit code or signal, and its peak usage',
    severity: 'info',
    data: {
      ...process,
      code: described(nullable(whole), 'Exit code; null where a signal ended it, or it was found gone by polling'),
      signal: described(nullable(text), 'Which ended it; null where none did, or it was found gone by polling'),
      peak,
    },
    line: ({ name, code, signal }) => withName(name, endingText(code, signal)),
  }),
  eventRow({
    type: 'process.changed',
    summary: '`what`: exec, name, uid or partition',
    severity: 'info',
    data: {
      what: oneOf(['exec', 'name', 'uid', 'partition']),
      ...process,
      executable,
      uid,
      partition,
    },
    line: ({ what, name, executable, uid, partition }) => {
      const now: Readonly<Record<string, unknown>> = { exec: executable, name, uid, partition }
      return withName(name, `${plainText(what)} ${plainText(now[plainText(what)])}`)
    },
  }),
  eventRow({
    type: 'thread.created',
    summary: 'a thread was born',
    severity: 'info',
    data: thread,
    line: ({ name }) => plainText(name),
  }),
  eventRow({
    type: 'thread.died',
    summary: 'a thread ended',
    severity: 'info',
    data: thread,
    line: ({ name }) => plainText(name),
  }),
  eventRow({
    type: 'thread.changed',
    summary: '`what`: state; a thread of the model blocked, or goes on',
    severity: 'info',
    data: {
      what: literal('state'),
      ...thread,
      state,
      on: optional(on),
      from: optional(described(threadState, 'Where it goes on: the state that it was in')),
      call: optional(described(nullable(text), 'Where it goes on: the call that it was blocked in')),
      errno: optional(described(errno, 'Where that call failed')),
    },
  }),
  eventRow({
    type: 'partition.created',
    summary: 'a partition appeared',
    severity: 'info',
    data: { name: text },
    line: () => '',
  }),
  eventRow({
    type: 'partition.died',
    summary: 'a partition went away',
    severity: 'info',
    data: { name: text, peak },
    line: () => '',
  }),
] as const

function endingText(code: unknown, signal: unknown): string {
  if (typeof signal === 'string') return `killed by ${signal}`
  return code === null || code === undefined ? 'how is not known' : `exit code ${plainText(code)}`
}
