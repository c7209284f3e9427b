/** Tests the errors for an invalid scenario file: each names its place, and nothing is run. */

import { expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ScenarioError } from '../../src/scenario/problems.ts'
import { readScenario } from '../../src/scenario/scenario.ts'

function problemsOf(text: string): string[] {
  try {
    readScenario(text, 'bad.yaml')
  } catch (error) {
    if (error instanceof ScenarioError) return error.message.split('\n')
    throw error
  }
  return []
}

/** A scenario with one thread that takes these steps. */
const withSteps = (steps: string): string => `title: t
programs:
  other:
    - sleep: 1ms
processes:
  w:
    threads:
      main:
${steps.replace(/^/gm, '        ')}
`

/** A scenario that is valid except for these lines, which start at line 2. */
const withHead = (head: string): string => `title: t
${head}
processes: { w: { threads: { main: [], second: [] } } }
`

/** A scenario with these expectations, which start at line 4. */
const withExpect = (expected: string): string => `title: t
processes: { w: { threads: { main: [{ ChannelCreate: {}, as: port }] } } }
expect:
${expected}
`

test('a valid scenario has no problems', () => {
  expect(problemsOf(withSteps('- sleep: 1ms'))).toEqual([])
  expect(problemsOf(withHead('seed: 4'))).toEqual([])
  expect(problemsOf(withExpect('  usage: { $w/channels: 1 }'))).toEqual([])
})

const calls = 'sleep, repeat, random, spawn, exit'

test.each([
  ['a tab', 'title: x\n\tseed: 1\n', '2:1: this is not YAML: Tabs are not allowed as indentation'],
  ['an open bracket', 'title: [x\nseed: 1\n', '2:1: this is not YAML: '],
  ['a key twice', 'title: x\nseed: 1\ntitle: y\n', '3:1: this is not YAML: Map keys must be unique'],
  ['a tag', 'title: !date x\n', '1:8: this is not YAML: Unresolved tag: !date'],
  ['an alias of nothing', 'title: *name\n', '1:8: this is not YAML: nothing before it is named &name'],
  [
    'an alias inside the value that it refers to',
    'title: &t [ *t ]\n',
    '1:13: this is not YAML: *t is inside the value that it refers to',
  ],
  ['aliases of aliases of aliases', bomb(), '1:1: this is not YAML: Excessive alias count'],
  ['a key that is a number', '7: x\n', '1:1: this is not YAML: a key is plain text, not 7'],
  ['a key that is a list', '? [a]\n: x\n', '1:3: this is not YAML: a key is plain text, not '],
  ['a key that is no key', '__proto__: x\n', '1:1: this is not YAML: a key is plain text, not __proto__'],
  ['two documents', 'title: x\n---\ntitle: y\n', '2:1: this is not YAML: '],
  [
    'lists in lists in lists',
    `title: ${'['.repeat(70)}${']'.repeat(70)}\n`,
    '1:71: this is not YAML: it is nested too deeply',
  ],
  ['nothing', '', '1:1: Invalid input: expected object, received null'],
  ['a list', '- x\n', '1:1: Invalid input: expected object, received array'],
  ['too much', `# ${'x'.repeat(bounds.scenarioBytesMax)}`, '1:1: a scenario has at most 1048576 bytes'],
])('%s is not a scenario', (_, text, problem) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining(`bad.yaml:${problem}`)])
})

test('lists that are nested too deeply are refused', () => {
  const deep = [expect.stringMatching(/^bad.yaml:\d+:\d+: this is not YAML: it is nested too deeply$/)]
  expect(problemsOf(`title: ${'['.repeat(50_000)}`)).toEqual(deep)
  expect(problemsOf(`title:\n${'- '.repeat(50_000)}`)).toEqual(deep)
})

function bomb(): string {
  const many = (name: string): string => `[${Array.from({ length: 11 }, () => name).join(', ')}]`
  return `a: &a ${many('x')}\nb: &b ${many('*a')}\nc: &c ${many('*b')}\nd: ${many('*c')}\n`
}

test.each([
  [
    'sed: 1',
    '2:1: there is no sed here; there are title, seed, run, system, partitions, thresholds, programs, processes, expect',
  ],
  ['seed: -1', '2:7: seed: Too small: expected number to be >=0'],
  ['seed: 4294967296', '2:7: seed: Too big: expected number to be <=4294967295'],
  ['run: 5 s', '2:6: run: a duration such as "500ms", "1.5s" or "2m"'],
  ['run: 25h', '2:6: run: more than nothing, at most 24h'],
  ['run: 0ms', '2:6: run: more than nothing, at most 24h'],
  ['system: { pools: { chanels: 1 } }', '2:20: there is no chanels here; there are channels, server-ids, '],
  ['system: { pools: { fds: -1 } }', '2:25: fds: Too small'],
  ['partitions:\n  a b:', '3:3: a b: names of letters, digits, ".", - and _, with a / between them'],
  ['partitions:\n  net: { pool: {} }', '3:10: there is no pool here; there are pools'],
  ['programs: { 9x: [] }', '2:13: 9x: a name begins with a letter'],
  ['programs: { x: 3 }', '2:16: steps are a list: one a line, each with a - before it'],
  ['thresholds: { /sys/chanels/threshold/hog: { at: 1 } }', '2:15: a system has no limit chanels; it has channels, '],
  [
    'thresholds: { /sys/channels/hog: { at: 1 } }',
    '2:15: /sys/channels/hog is not the path of a threshold; one looks like ',
  ],
  ['thresholds: { /sys/channels/threshold/..: { at: 1 } }', '2:15: a threshold cannot have this name'],
  ['thresholds: { /sys/proc/1/fds/threshold/a: { at: 1 } }', '2:15: /sys/proc/1/fds is no limit at a node, as in '],
  ['thresholds: { /sys/part/net/fds/threshold/a: { at: 1 } }', '2:15: there is no partition net in "partitions"'],
  ['thresholds: { $v/fds/threshold/a: { at: 1 } }', '2:15: there is no process v; there are w'],
  ['thresholds: { $w.third/stack/threshold/a: { at: 1 } }', '2:15: w has no thread third; it has main, second'],
  ['thresholds: { $w.main/fds/threshold/a: { at: 1 } }', '2:15: a thread has no limit fds; it has stack, '],
  ['thresholds: { $w/fds/threshold/a: { at: 101% } }', '2:41: at: a whole number; a percentage from "0%" to "100%"'],
  ['thresholds: { $w/fds/threshold/a: { at: 5, rearm: 6 } }', '2:51: "rearm" must lie strictly below "at" when rising'],
  ['thresholds: { $w/fds/threshold/a: { at: 5, per: process } }', '2:49: no process lies strictly below $w/fds'],
  ['thresholds: { $w/fds/threshold/a: { at: 5, per: thread } }', '2:49: fds is counted at these levels: process, '],
  ['thresholds: { $w/fds/threshold/a: {} }', '2:35: "at" is missing: the trip point, a number in the'],
])('%s is refused with its place', (head, problem) => {
  expect(problemsOf(withHead(head))).toContainEqual(expect.stringContaining(`bad.yaml:${problem}`))
})

test.each([
  ['processes: {}', '2:12: processes: there is no process'],
  ['processes: { w: {} }', '2:17: threads: is missing: record expected'],
  ['processes: { w: }', '2:14: w: Invalid input: expected object, received null'],
  ['processes: { w: { threads: {} } }', '2:28: threads: a process has a thread'],
  ['processes: { w: { threads: { pid: [] } } }', '2:30: pid: a thread cannot be called pid'],
  ['processes: { w: { threads: { main: 5 } } }', '2:36: steps are a list'],
  ['processes: { w: { threads: { main: other } } }', '2:36: there is no program other: the file has no "programs"'],
  ['processes: { w: { threads: { main: { priority: 256 } } } }', '2:48: priority: Too big'],
  [
    'processes: { w: { threads: { main: { detached: true } } } }',
    '2:48: the first thread is the main one, which is not detached',
  ],
  [
    'processes: { w: { threads: { main: { stepps: [] } } } }',
    '2:38: there is no stepps here; there are priority, stackSize, detached, steps',
  ],
  ['processes: { w: { uid: root, threads: { main: } } }', '2:24: uid: Invalid input: expected number'],
  ['processes: { w: { partition: net, threads: { main: } } }', '2:30: there is no partition net in "partitions"'],
])('%s is refused with its place', (processes, problem) => {
  expect(problemsOf(`title: t\n${processes}\n`)).toEqual([expect.stringContaining(`bad.yaml:${problem}`)])
})

test.each([
  ['- SyncMutexLok: { mutex: a }', `9:11: there is no call SyncMutexLok; there are ${calls}`],
  ['- SyncMutexLock: { mutex: a, knd: plain }', '9:38: there is no knd here; there are mutex, kind'],
  ['- SyncMutexLock: {}', '9:26: mutex: is missing: string expected'],
  ['- SyncMutexLock:', '9:11: mutex: is missing: string expected'],
  ['- SyncMutexLock: a', '9:26: Invalid input: expected object, received string'],
  ['- SyncMutexLock: { mutex: a, kind: odd }', '9:44: kind: Invalid option: expected one of "plain"|"recursive"'],
  ['- SignalKill: { pid: 1, signal: SIGFOO }', '9:41: signal: Invalid option: expected one of "SIGHUP"'],
  [
    '- TimerCreate: { notify: { pulse: { coid: 1, code: 1, cod: 1 } } }',
    '9:63: there is no cod here; there are coid, code, value',
  ],
  ['- MsgSend: { coid: 1, msg: [1] }', '9:36: msg: text of 4096 characters at the most, a number or null'],
  ['- sleep: 5', '9:18: a duration such as "500ms"'],
  ['- sleep: { random: [5ms, 1ms] }', '9:28: random takes the smaller number first'],
  ['- sleep: { random: [1, 5] }', '9:18: a duration such as "500ms"'],
  ['- sleep: { random: [1ms] }', '9:28: random takes two whole numbers or two durations'],
  ['- mmap: { pages: { random: [0, 5] } }', '9:26: pages: Too small: expected number to be >=1'],
  ['- mmap: { pages: { random: [1, 1.5] } }', '9:36: random takes two whole numbers'],
  ['- foo', '9:11: a step is a call with its arguments'],
  ['- {}', `9:11: a step is one of ${calls}`],
  ['- as: port', `9:11: a step is one of ${calls}`],
  ['- sleep: 1ms\n  exit: {}', '10:11: a step does one thing: make another of exit, beside sleep'],
  ['- sleep: 1ms\n  steps: []', '10:11: there is no steps beside sleep; there are as, runs, fails, may-fail'],
  ['- sleep: 1ms\n  as: 9', '10:15: Invalid input: expected string'],
  ['- sleep: 1ms\n  fails: ENOPE', '10:18: Invalid option: expected one of "E2BIG"'],
  ['- sleep: 1ms\n  fails: EINTR\n  may-fail: EINTR', '11:11: it fails, or it may fail: not both'],
  ['- sleep: 1ms\n  runs: other', '10:11: sleep makes nothing that could run a program'],
  ['- spawn: { name: x }\n  runs: another', '10:17: there is no program another; there are other'],
  ['- repeat: 0\n  steps: [{ sleep: 1ms }]', '9:19: repeat takes a number from 1, forever, or { random: [1, 6] }'],
  ['- repeat: { random: [1ms, 2ms] }\n  steps: [{ sleep: 1ms }]', '9:19: repeat takes how many times'],
  ['- repeat: 5', '9:11: steps: is missing: what is to be repeated'],
  ['- repeat: forever\n  steps: []', '10:18: there is no step here'],
  ['- repeat: forever\n  until: EWHAT\n  steps: [{ sleep: 1ms }]', '10:18: Invalid option: expected one of "E2BIG"'],
  ['- random: [[{ sleep: 1ms }]]', '9:19: random takes two lists of steps or more'],
  ['- random: [[{ sleep: 1ms }], []]', '9:38: there is no step here'],
  ['- random: 5', '9:19: random takes two lists of steps or more'],
  ['- ChannelCreate:\n  as: w', '10:15: w is a process already; give the result another name'],
  ['- ChannelCreate:\n  as: a\n- ChannelCreate:\n  as: a', '12:15: a is the name of another step already'],
  ['- ThreadJoin: { tid: $v.main.tid }', '9:30: there is no $v; there are $w'],
  [
    '- ThreadJoin: { tid: $w.second.tid }',
    '9:30: there is no $w.second.tid; there are $w, $w.pid, $w.main, $w.main.tid',
  ],
  ['- ThreadJoin: { tid: $w.main.name }', '9:30: there is no $w.main.name; there are '],
  [
    '- ChannelCreate:\n  as: a\n- MsgReceive: { chid: $a.chdi }',
    '11:31: there is no $a.chdi; ChannelCreate returns $a.chid, $a.errno',
  ],
  [
    '- ChannelCreate:\n  as: a\n- MsgReceive: { chid: $a }',
    '11:31: there is no $a; ChannelCreate returns $a.chid, $a.errno',
  ],
])('the step %j is refused at the place of the error', (steps, problem) => {
  expect(problemsOf(withSteps(steps))).toEqual([expect.stringContaining(`bad.yaml:${problem}`)])
})

test.each([
  ['  event: []', '4:3: there is no event here; there are events, states, usage, results'],
  ['  events: [{ type: thread.exploded }]', '4:20: type: Invalid option: expected one of "process.created"'],
  ['  events: [{ type: thread.died, times: many }]', '4:40: times: how many times, as in 2, or at least how many'],
  ['  events: [{ type: thread.died, times: -1 }]', '4:40: times: '],
  ['  events: [{ type: thread.died, subject: $v }]', '4:42: there is no $v; there are $w, $port'],
  ['  events: [{ type: thread.died, data: { tid: { random: [1, 2] } } }]', '4:48: what is expected is not random'],
  ['  events: [3]', '4:12: Invalid input: expected object'],
  ['  states: { $w.man: READY }', '4:13: there is no thread $w.man; there are $w.main'],
  ['  states: { w.main: READY }', '4:13: there is no thread w.main; there are $w.main'],
  ['  states: { $w.main: ASLEEP }', '4:22: state: Invalid option: expected one of "DEAD"'],
  ['  states: { $w.main: { state: MUTEX, onn: {} } }', '4:38: there is no onn here; there are state, on, priority'],
  ['  usage: { $w/chanels: 1 }', '4:12: a process has no limit chanels; it has '],
  ['  usage: { $w/channels: {} }', '4:25: name at least one of value, peak and capacity'],
  ['  usage: { $w/channels: many }', '4:25: Invalid input: expected object, received string'],
  ['  results: { port: {} }', '4:14: no step has a result port; there are $port'],
  ['  results: { $prt: {} }', '4:14: no step has a result $prt; there are $port'],
  ['  results: { $port: EWHAT }', '4:21: Invalid option: expected one of "E2BIG"'],
])('the expectation %j is refused at the place of the error', (expected, problem) => {
  expect(problemsOf(withExpect(expected))).toContainEqual(expect.stringContaining(`bad.yaml:${problem}`))
})

test('every problem is reported at once, in the order of the file', () => {
  const text = withSteps('- sleep: 1\n- exit: { stat: 1 }\n- ThreadJoin: { tid: $v.tid }')
  expect(problemsOf(text).map((problem) => problem.split(': ')[0])).toEqual([
    'bad.yaml:9:18',
    'bad.yaml:10:19',
    'bad.yaml:11:30',
  ])
})

test('a problem in an aliased value is reported at the anchor', () => {
  const text = `title: t
processes:
  a: { threads: { main: &steps [{ sleep: 1 }] } }
  b: { threads: { main: *steps } }
`
  expect(problemsOf(text).map((problem) => problem.split(': ')[0])).toEqual(['bad.yaml:3:42', 'bad.yaml:3:42'])
})
