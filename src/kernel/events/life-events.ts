/** Defines the event types for the start, change and end of processes, threads and partitions. */

import { described, integer, literal, nullable, oneOf, optional, text, timestamp } from '../fields.ts'
import { plainText, withName } from './line-parts.ts'
import { eventRow } from './row.ts'
import { errno, on, partition, peak, process, self, state, thread, threadState } from './shared-fields.ts'

const executable = described(
  nullable(text),
  'Path of the program. Null for kernel threads, and when reading it is not permitted',
)
const uid = described(nullable(integer), 'Effective user id')

export const lifeEvents = [
  eventRow({
    type: 'process.created',
    summary: 'a process started',
    severity: 'info',
    data: {
      ...process,
      name: described(text, 'On Linux the name of the parent at first; exec gives the process its own'),
      started: timestamp,
      parent: described(nullable(integer), 'pid of the parent; null when there is none or it is not known'),
      executable,
      uid,
      partition,
      self,
      kernelThread: optional(described(literal(true), 'Present if it is a thread of the Linux kernel itself')),
    },
    line: ({ name, parent, uid }) => withName(name, `parent ${plainText(parent)}, uid ${plainText(uid)}`),
  }),
  eventRow({
    type: 'process.died',
    summary: 'the last thread of a process ended; with the exit code or the signal, and the peak usage',
    severity: 'info',
    data: {
      ...process,
      code: described(
        nullable(integer),
        'Exit code; null when a signal ended the process, or when polling found that it was gone',
      ),
      signal: described(
        nullable(text),
        'The signal that ended the process; null when it exited, or when polling found that it was gone',
      ),
      oom: optional(
        described(
          literal(true),
          'Present when the kernel killed the process because memory ran out, here or in its cgroup',
        ),
      ),
      peak,
    },
    line: ({ name, code, signal, oom }) =>
      withName(name, `${endingText(code, signal)}${oom === true ? ', out of memory' : ''}`),
  }),
  eventRow({
    type: 'process.changed',
    summary: 'a process changed: `what` is exec, name, uid or partition',
    severity: 'info',
    data: {
      what: oneOf(['exec', 'name', 'uid', 'partition']),
      ...process,
      executable,
      uid,
      partition,
      changes: optional(
        described(integer, 'Number of changes since the event before, when they came too fast for one event each'),
      ),
    },
    line: ({ what, name, executable, uid, partition }) => {
      const now: Readonly<Record<string, unknown>> = { exec: executable, name, uid, partition }
      return withName(name, `${plainText(what)} ${plainText(now[plainText(what)])}`)
    },
  }),
  eventRow({
    type: 'thread.created',
    summary: 'a thread started',
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
    summary: 'a thread of the model blocked or runs again: `what` is state',
    severity: 'info',
    data: {
      what: literal('state'),
      ...thread,
      state,
      on: optional(on),
      from: optional(described(threadState, 'The state before, when the thread runs again')),
      call: optional(described(nullable(text), 'The call that the thread was blocked in, when it runs again')),
      errno: optional(described(errno, 'Present when that call failed')),
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
    summary: 'a partition disappeared',
    severity: 'info',
    data: { name: text, peak },
    line: () => '',
  }),
] as const

function endingText(code: unknown, signal: unknown): string {
  if (typeof signal === 'string') return `killed by ${signal}`
  return code === null || code === undefined ? 'how is not known' : `exit code ${plainText(code)}`
}
