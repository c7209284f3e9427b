/** Tests how a scenario runs: the order of steps, the values of names, and the end of the run. */

import { expect, test } from 'vitest'
import { bounds } from '../../src/base/bounds.ts'
import { ScenarioRun } from '../../src/scenario/run.ts'
import { readScenario } from '../../src/scenario/scenario.ts'
import { World } from '../model/world.ts'
import { differences, runText } from './support.ts'

/** Calls in order, each as time, thread and call, such as `5 main nanosleep`. */
function callsOf(text: string, { world = new World(), seed }: { world?: World; seed?: number } = {}): string[] {
  const calls: string[] = []
  const { machine } = world
  const call = machine.call.bind(machine)
  machine.call = (pid, tid, made) => {
    calls.push(`${machine.kernel.now} ${machine.processes.get(pid).threads.get(tid)!.name} ${made.name}`)
    return call(pid, tid, made)
  }
  const verdict = runText(text, world, seed === undefined ? {} : { seed })
  expect(differences(verdict)).toEqual([])
  expect(verdict.calls).toBe(calls.length)
  return calls
}

test('every runnable thread takes one step each ms, in the order of the file', () => {
  const text = `
title: t
processes:
  b:
    threads:
      one: [{ ChannelCreate: }, { sleep: 3ms }, { ChannelCreate: }]
      two: [{ ChannelCreate: }, { ChannelCreate: }]
  a:
    threads:
      three: [{ ChannelCreate: }]
`
  expect(callsOf(text)).toEqual([
    '0 one ChannelCreate',
    '0 two ChannelCreate',
    '0 three ChannelCreate',
    '1 one nanosleep',
    '1 two ChannelCreate',
    '4 one ChannelCreate',
  ])
})

test('a thread created during the run has its first turn a ms later, after every thread of the file', () => {
  const text = `
title: t
programs:
  work: [{ compute: { us: 1 } }]
processes:
  a:
    threads:
      main:
        - spawn: { name: child }
          runs: work
        - ThreadCreate: { name: helper }
          runs: work
        - exit:
  b:
    threads:
      other: [{ open: { path: x } }, { open: { path: y } }]
`
  expect(callsOf(text)).toEqual([
    '0 main spawn',
    '0 other open',
    '1 main ThreadCreate',
    '1 other open',
    '1 child compute',
    // The helper ends with its process before its turn.
    '2 main exit',
  ])
})

test('a list of steps is repeated the given number of times, nested or not', () => {
  const text = `
title: t
processes:
  a:
    threads:
      main:
        - repeat: 2
          steps:
            - open: { path: x }
            - repeat: 3
              steps: [{ ChannelCreate: }]
`
  const once = ['open', 'ChannelCreate', 'ChannelCreate', 'ChannelCreate']
  expect(callsOf(text).map((call) => call.split(' ')[2])).toEqual([...once, ...once])
})

test('a failure ends the innermost repetition that expects it', () => {
  const text = `
title: t
system: { pools: { channels: 2 } }
processes:
  a:
    threads:
      main:
        - repeat: 2
          until: EMFILE
          steps:
            - open: { path: x }
            - repeat: forever
              until: EAGAIN
              steps:
                - repeat: 3
                  steps: [{ ChannelCreate: }, { ChannelDestroy: { chid: 9 }, may-fail: EINVAL }]
        - close: { fd: 9 }
          fails: EBADF
`
  const verdict = runText(text)
  expect(differences(verdict)).toEqual([
    '8:11: a.main: the repetition has ended, and no call in it failed with EMFILE',
    '17:11: close was to fail with EBADF, and has not returned',
  ])
  // A thread with an unexpected result stops: the close was never made.
  expect(verdict.calls).toBe(1 + 2 + 2 + 1 + 1 + 1)
})

test('random chooses lists, numbers and durations by the seed', () => {
  const text = `
title: t
processes:
  a:
    threads:
      main:
        - repeat: { random: [5, 40] }
          steps:
            - random:
                - [{ sleep: { random: [1ms, 50ms] } }]
                - [{ mmap: { pages: { random: [1, 9] } } }, { open: { path: x } }]
`
  const runs = [1, 2, 3, 1].map((seed) => callsOf(text, { seed }).join())
  expect(runs[0]).toBe(runs[3])
  expect(new Set(runs).size).toBe(3)
  for (const name of ['nanosleep', 'mmap', 'open']) expect(runs[0]).toContain(name)
})

test('a thread waits until a name that it needs has a value', () => {
  const text = `
title: t
processes:
  client:
    threads:
      main:
        - ConnectAttach: { pid: $server.pid, chid: $port.chid }
          as: connection
  server:
    threads:
      main:
        - sleep: 5ms
        - ChannelCreate:
          as: port
expect:
  results:
    $connection: { coid: 1, scoid: 1 }
`
  expect(callsOf(text)).toEqual(['0 main nanosleep', '5 main ChannelCreate', '6 main ConnectAttach'])
})

test('threads that run the same program have separate results', () => {
  const text = `
title: t
programs:
  work:
    - open: { path: $$x }
      as: file
    - sleep: 5ms
    - close: { fd: $file.fd }
processes:
  a:
    threads: { main: work, second: work, third: work }
expect:
  usage: { $a/fds: { value: 0, peak: 3 } }
  results: { $file: { fd: 2 } }
`
  expect(differences(runText(text))).toEqual([])
})

test('a reference alone has the type of its value, and inside text it is text', () => {
  const text = `
title: t
processes:
  a:
    threads:
      main:
        - open: { path: '$a has $a.pid for $5 and $$a' }
        - ChannelCreate:
          as: port
        - ConnectAttach: { pid: 0, chid: $port.chid }
          as: connection
        - MsgSend: { coid: $connection.coid, msg: $connection.coid }
          as: sent
      other:
        - MsgReceive: { chid: $port.chid }
          as: first
        - MsgReply: { rcvid: $first.rcvid, msg: $a.main }
expect:
  results:
    $first: { msg: 1 }
    $sent: { msg: $a.main, status: 0 }
`
  const world = new World()
  expect(differences(runText(text, world))).toEqual([])
  expect(world.machine.processes.get(1).files.get(0)?.path).toBe('/sys/proc/1 has 1 for $5 and $a')
})

const faulty = (steps: string): string[] =>
  differences(runText(`title: t\nprocesses:\n  a:\n    threads:\n      main:\n${steps.replace(/^/gm, '        ')}\n`))

test.each([
  ['- ChannelDestroy: { chid: 1 }', '6:11: a.main: ChannelDestroy failed with EINVAL: process 1 has no channel 1'],
  ['- ChannelCreate:\n  fails: EAGAIN', '6:11: a.main: ChannelCreate succeeded, and was to fail with EAGAIN'],
  [
    '- ChannelDestroy: { chid: 1 }\n  may-fail: EBADF',
    '6:11: a.main: ChannelDestroy failed with EINVAL: process 1 has no channel 1',
  ],
  [
    '- ChannelCreate:\n  as: c\n- MsgReceive: { chid: $c.chid }\n- ChannelCreate:\n  fails: EAGAIN',
    '9:11: ChannelCreate was to fail with EAGAIN, and has not returned',
  ],
  [
    '- ChannelCreate:\n  as: c\n- MsgReceive: { chid: $c.chid }\n- repeat: 3\n  until: EAGAIN\n  steps: [{ ChannelCreate: }]',
    '9:11: no call failed with EAGAIN',
  ],
  [
    '- MsgReceive: { chid: $c.chid }\n- ChannelCreate:\n  as: c',
    '6:11: a.main: MsgReceive waits for $c.chid, which no call has returned',
  ],
  [
    '- ChannelDestroy: { chid: 1 }\n  as: d\n  fails: EINVAL\n- exit: { status: $d.errno }',
    '9:11: a.main: exit: status: Invalid input: expected number, received string',
  ],
  [
    '- ConnectAttach: { pid: 0, chid: 1 }\n  as: c\n  fails: ESRCH\n- ConnectDetach: { coid: $c.coid }',
    '9:11: a.main: there is no $c.coid: it returned {"errno":"ESRCH"}',
  ],
])('%j is reported as a difference, and its thread stops', (steps, difference) => {
  expect(faulty(`${steps}\n- exit:`)).toEqual([difference])
})

test('a difference at one step of many threads is reported once', () => {
  const text = `
title: t
programs: { wrong: [{ ChannelDestroy: { chid: 1 } }] }
processes:
  a: { threads: { main: wrong, second: wrong } }
`
  expect(differences(runText(text))).toEqual([
    '3:23: a.main: ChannelDestroy failed with EINVAL: process 1 has no channel 1',
  ])
})

test('a failure after blocking counts like an immediate one', () => {
  const text = (fails: string): string => `
title: t
processes:
  a:
    threads:
      main:
        - TimerTimeout: { states: [NANOSLEEP], after: 5ms }
        - sleep: 10ms
          ${fails}
`
  expect(differences(runText(text('fails: ETIMEDOUT')))).toEqual([])
  expect(differences(runText(text('may-fail: ETIMEDOUT')))).toEqual([])
  expect(differences(runText(text('as: slept')))).toEqual(['8:11: a.main: nanosleep failed with ETIMEDOUT'])
})

test('a run ends when nothing more can happen, or when its time is over', () => {
  const text = (run: string, steps: string): string =>
    `title: t\nrun: ${run}\nprocesses: { a: { threads: { main: [${steps}] } } }`
  expect(runText(text('5s', '{ sleep: 1s }'))).toMatchObject({ met: true, calls: 1, ranMs: 1_000 })
  expect(runText(text('5s', ''))).toMatchObject({ calls: 0, ranMs: 0 })
  expect(runText(text('5s', '{ SignalSuspend: { mask: [] } }'))).toMatchObject({ calls: 1, ranMs: 0 })
  expect(runText(text('5s', '{ sleep: 1h }'))).toMatchObject({ met: true, ranMs: 5_000 })
  // Used CPU time counts for one second.
  expect(runText(text('5s', '{ compute: { us: 500000 } }'))).toMatchObject({ ranMs: 1_000 })
  const forever = '{ repeat: forever, steps: [{ compute: { us: 1 } }] }'
  expect(runText(text('5s', forever))).toMatchObject({ met: true, calls: 5_000, ranMs: 5_000 })
})

test('a run with too many calls is abandoned with an error', () => {
  const text = `title: t\nrun: 24h\nprocesses: { a: { threads: { main: [{ repeat: forever, steps: [{ compute: { us: 1 } }] }] } } }`
  const verdict = runText(text)
  expect(verdict.calls).toBe(bounds.scenarioCallsMax)
  expect(differences(verdict)).toEqual([`1:1: it was not over after ${bounds.scenarioCallsMax} calls`])
})

test.each([
  ['system: { pools: { processes: 1 } }', '4:18: process b cannot be made: EAGAIN: /sys/processes is at most 1 count'],
  [
    'thresholds: { $a/channels/threshold/hog: { at: 80% } }',
    '3:15: threshold hog cannot be made: ENOTSUP: /sys/proc/1/channels has no finite capacity to take a percentage of; give a number',
  ],
])('with %s a run does not start', (head, difference) => {
  const text = `title: t\nrun: 1s\n${head}\nprocesses: { a: { threads: { main: } }, b: { threads: { main: [{ ChannelCreate: }] } } }`
  const world = new World()
  const verdict = runText(text, world)
  expect(differences(verdict)[0]?.replace(/^4:\d+/, '4:18')).toBe(difference)
  expect([verdict.calls, verdict.ranMs]).toEqual([0, 0])
})

test('partitions nest, and pools of an existing partition are replaced', () => {
  const text = `
title: t
partitions:
  a/b: { pools: { channels: 2 } }
processes:
  p:
    partition: a/b
    uid: 33
    threads:
      main: [{ repeat: 3, until: EAGAIN, steps: [{ ChannelCreate: }] }]
expect:
  usage:
    /sys/part/a/channels: 2
    /sys/part/a/part/b/channels: { value: 2, capacity: 2 }
`
  const world = new World()
  world.machine.putPartition(['a', 'b'], { channels: 9 })
  world.events = []
  expect(differences(runText(text, world))).toEqual([])
  expect(world.events.map(({ type }) => type)).not.toContain('partition.created')
  expect(world.machine.processes.get(1).uid).toBe(33)
})

test('the first thread is the main one, and each has the given attributes', () => {
  const text = `
title: t
processes:
  p:
    threads:
      first: { priority: 20, stackSize: 65536, steps: [{ sleep: 1ms }] }
      second: { detached: true, priority: 30 }
expect:
  states:
    $p.first: { state: READY, priority: 20 }
    $p.second: { state: READY, priority: 30 }
  usage:
    $p.first/stack-size: 65536
`
  const world = new World()
  expect(differences(runText(text, world))).toEqual([])
  const [first, second] = [...world.machine.processes.get(1).threads.values()]
  expect([first?.tid, first?.name, second?.name, second?.detached]).toEqual([1, 'first', 'second', true])
})

test('a run in slices of time has the same events as an uninterrupted one', () => {
  const text = `
title: t
processes:
  a: { threads: { main: [{ repeat: 20, steps: [{ sleep: { random: [1ms, 9ms] } }, { open: { path: x } }] }] } }
`
  const whole = new World()
  const verdict = runText(text, whole)
  const sliced = new World()
  const run = new ScenarioRun(sliced.machine, readScenario(text, 'test.yaml'))
  for (let to = 3; !run.isOver; to += 3) run.proceed(to)
  expect(sliced.events).toEqual(whole.events)
  expect(run.verdict()).toMatchObject({ met: true, calls: verdict.calls })
})

test.each([
  ['ends', 'title: t\nprocesses: { a: { threads: { main: } } }'],
  ['cannot begin', 'title: t\nsystem: { pools: { processes: 1 } }\nprocesses: { a: { threads: { main: } } }'],
])('a run that %s stops listening to the machine, and other listeners continue', (_, text) => {
  const world = new World()
  const run = new ScenarioRun(world.machine, readScenario(text, 'test.yaml'))
  run.proceed(run.endsAt)
  const { events } = run.verdict()
  const [before, later] = [world.events.length, world.kernel.nextSequence]
  world.machine.putPools({ processes: 10 })
  world.spawn('later')
  expect(run.verdict().events).toBe(events)
  expect(world.events.length - before).toBe(world.kernel.nextSequence - later)
  expect(world.events.length).toBeGreaterThan(before)
})
