/** Tests the expectations of scenarios and the reported differences. */

import { expect, test } from 'vitest'
import { differences, runText } from './support.ts'

const run = (expected: string): string[] =>
  differences(
    runText(`title: t
processes:
  a:
    threads:
      main:
        - ChannelCreate:
          as: port
        - spawn: { name: child }
          as: child
        - kill: { pid: $child.pid, signal: SIGKILL }
        - SyncMutexLock: { mutex: m }
        - sleep: 1h
          as: never
      second:
        - sleep: 100ms
        - SyncMutexLock: { mutex: m }
        - exit:
run: 1s
expect:
${expected}
`),
  )

test.each([
  '  events: [{ type: process.died, subject: /sys/proc/$child.pid, data: { signal: SIGKILL, code: null } }]',
  '  events: [{ type: thread.changed, subject: $a.second, data: { on: { owner: $a.main } }, times: 1+ }]',
  '  events: [{ type: thread.created, times: 3 }]',
  '  events: [{ type: thread.created, times: 2+ }]',
  '  events: [{ type: threshold.tripped, times: 0 }]',
  '  events: [{ type: process.created, data: { name: child } }, { type: process.died }]',
  // Two expectations may match the same event.
  '  events: [{ type: process.created, times: 2 }, { type: process.created, subject: $a }]',
  '  states: { $a.main: NANOSLEEP, $a.second: { state: MUTEX, on: { mutex: m, owner: $a.main } } }',
  '  usage: { $a/channels: 1, $a/children: { value: 0, peak: 1 }, $a.main/mutexes: 1 }',
  '  results: { $port: { chid: 1 }, $child: }',
])('%s is met', (expected) => {
  expect(run(expected)).toEqual([])
})

test.each([
  [
    '  events: [{ type: process.died, subject: $a }]',
    '20:12: expected once: process.died of /sys/proc/1; got it never; the nearest of 1 of that type: subject: expected "/sys/proc/1", got "/sys/proc/2"',
  ],
  [
    '  events: [{ type: process.died, data: { signal: SIGTERM } }]',
    '20:12: expected once: process.died with {"signal":"SIGTERM"}; got it never; the nearest of 1 of that type: data.signal: expected "SIGTERM", got "SIGKILL"',
  ],
  ['  events: [{ type: threshold.tripped }]', '20:12: expected once: threshold.tripped; got it never'],
  ['  events: [{ type: thread.created }]', '20:12: expected once: thread.created; got it 3 times'],
  [
    '  events: [{ type: thread.created, times: 4+ }]',
    '20:12: expected at least 4 times: thread.created; got it 3 times',
  ],
  ['  events: [{ type: process.died, times: 0 }]', '20:12: expected never: process.died; got it once'],
  [
    '  events: [{ type: process.died }, { type: process.created, subject: $a }]',
    '20:36: expected after the one above: process.created of /sys/proc/1; it came before',
  ],
  [
    '  events: [{ type: process.died, subject: $never.errno }]',
    '20:12: there is no $never.errno: that call has not returned',
  ],
  ['  states: { $a.second: { state: MUTEX, on: { mutex: n } } }', '20:13: $a.second: on.mutex: expected "n", got "m"'],
  ['  states: { $a.second: { state: MUTEX, priority: 11 } }', '20:13: $a.second: priority: expected 11, got 10'],
  [
    '  states: { $a.main: { state: MUTEX, on: { mutex: m } } }',
    '20:13: $a.main: state: expected "MUTEX", got "NANOSLEEP"; on.mutex: expected "m", got nothing',
  ],
  [
    '  usage: { $a/channels: { value: 2, peak: 3 } }',
    '20:12: $a/channels: value: expected 2, got 1; peak: expected 3, got 1',
  ],
  ['  usage: { $a/channels: { capacity: 3 } }', '20:12: $a/channels: capacity: expected 3, got null'],
  ['  results: { $port: { chid: 2 } }', '20:14: $port: chid: expected 2, got 1'],
  ['  results: { $port: { chidd: 2 } }', '20:14: $port: chidd: expected 2, got nothing'],
  ['  results: { $port: EAGAIN }', '20:14: $port: errno: expected "EAGAIN", got nothing'],
  ['  results: { $never: }', '20:14: $never: that call has not returned'],
])('%s is not met, and the difference is reported', (expected, difference) => {
  expect(run(expected)).toEqual([difference])
})

test('an ended process is reported as gone for usage, and its threads as DEAD', () => {
  const text = `title: t
processes: { a: { threads: { main: [{ exit: }] } } }
expect:
  states: { $a.main: DEAD }
  usage: { $a/channels: 0, $a.main/stack: 0 }
`
  expect(differences(runText(text))).toEqual([
    '5:12: $a/channels: $a/channels is no longer there',
    '5:28: $a.main/stack: $a.main/stack is no longer there',
  ])
})
