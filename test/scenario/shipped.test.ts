/** Tests the shipped scenarios, each on a new machine and on one with other processes. */

import { expect, test } from 'vitest'
import { World } from '../model/world.ts'
import { differences, pathOf, runText, shipped, simulated, textOf } from './support.ts'

test('twelve scenarios are shipped', () => {
  expect(shipped).toEqual([
    'busy-server.yaml',
    'channel-hog.yaml',
    'dead-owner.yaml',
    'dining-philosophers.yaml',
    'join-loop.yaml',
    'memory-hog.yaml',
    'process-bomb.yaml',
    'recursion-loop.yaml',
    'send-loop.yaml',
    'server-id-hog.yaml',
    'signal-flood.yaml',
    'two-lock-deadlock.yaml',
  ])
})

test.each(shipped)('%s has a description and meets its expectations', async (name) => {
  expect(textOf(name)).toMatch(/^(# .+\n)+title: /)
  const { code, verdicts } = await simulated({ files: [pathOf(name)], quiet: true })
  expect([code, verdicts]).toEqual([0, expect.stringMatching(/: met: .+\(\d+ calls, \d+ events, \d+ms\)\n$/)])
})

/** A machine that has run for a while, with blocked processes and one that a timer wakes every 7 ms. */
function busyWorld(): World {
  const world = new World()
  world.machine.advance(5_000)
  world.spawn('first')
  const idle = world.thread(world.spawn('idle'))
  const ticking = world.thread(world.spawn('ticking'))
  const { coid } = world.connect(ticking, ticking)
  const { timerid } = world.call(ticking, 'TimerCreate', { notify: { pulse: { coid, code: 1 } } }) as {
    timerid: number
  }
  world.call(ticking, 'TimerSettime', { timerid, after: 7, every: 7 })
  world.call(ticking, 'MsgReceive', { chid: 1 })
  world.call(idle, 'SignalSuspend', { mask: [] })
  return world
}

test.each(shipped)('%s has the same result on a machine with other processes', (name) => {
  const world = busyWorld()
  const seen: unknown[] = []
  world.kernel.onEvent((event) => seen.push(event))
  const verdict = runText(textOf(name), world)
  expect(differences(verdict)).toEqual([])
  expect(verdict.events).toBe(seen.length)
  expect(world.events.slice(-seen.length)).toEqual(seen)
})

const wrong: readonly (readonly [string, string, string, string])[] = [
  [
    'two-lock-deadlock.yaml',
    'mutex: a, owner: $worker.main',
    'mutex: a, owner: $worker.second',
    '23:5: $worker.second: on.owner: expected "/sys/proc/1/thread/2", got "/sys/proc/1/thread/1"',
  ],
  [
    'dining-philosophers.yaml',
    '$table/mutexes: 5',
    '$table/mutexes: 4',
    '43:5: $table/mutexes: value: expected 4, got 5',
  ],
  [
    'send-loop.yaml',
    '$audio.main: { state: SEND',
    '$audio.main: { state: REPLY',
    '28:5: $audio.main: state: expected "REPLY", got "SEND"',
  ],
  [
    'join-loop.yaml',
    'fails: EDEADLK',
    'fails: EBUSY',
    '8:11: worker.main: ThreadJoin failed with EDEADLK, and was to fail with EBUSY: a thread cannot join itself',
  ],
  [
    'busy-server.yaml',
    '$answer-of-server: { status: 3',
    '$answer-of-server: { status: 4',
    '49:5: $answer-of-server: status: expected 4, got 3',
  ],
  [
    'dead-owner.yaml',
    'data: { from: MUTEX }, times: 0',
    'data: { state: MUTEX }, times: 0',
    '25:7: expected never: thread.changed of /sys/proc/1/thread/1 with {"state":"MUTEX"}; got it once',
  ],
  [
    'channel-hog.yaml',
    'data: { reason: rearmed, value: 0',
    'data: { reason: rearmed, value: 1',
    '53:7: expected once: threshold.cleared of /sys/part/net/channels with {"reason":"rearmed","value":1,"peak":50}; got it never; the nearest of 1 of that type: data.value: expected 1, got 0',
  ],
  [
    'server-id-hog.yaml',
    '{ type: threshold.cleared, times: 0 }',
    '{ type: threshold.cleared, times: 1+ }',
    '50:7: expected at least once: threshold.cleared; got it never',
  ],
  [
    'recursion-loop.yaml',
    'code: null, signal: SIGSEGV',
    'code: 0, signal: SIGSEGV',
    '27:7: expected once: process.died of /sys/proc/1 with {"code":0,"signal":"SIGSEGV"}; got it never; the nearest of 1 of that type: data.code: expected 0, got null',
  ],
  [
    'memory-hog.yaml',
    'pages: 256 }\n          fails: ENOMEM',
    'pages: 1 }\n          fails: ENOMEM',
    '27:11: neighbour.main: mmap succeeded, and was to fail with ENOMEM',
  ],
  [
    'process-bomb.yaml',
    'times: 63',
    'times: 64',
    '40:7: expected 64 times: process.created with {"name":"bomb","partition":"/sys/part/users"}; got it 63 times',
  ],
  [
    'signal-flood.yaml',
    '- repeat: 32',
    '- repeat: 33',
    '24:11: SignalWaitinfo was to fail with ETIMEDOUT, and has not returned',
  ],
]

test('each scenario has an expectation that a test below falsifies', () => {
  expect(wrong.map(([name]) => name).sort()).toEqual(shipped)
})

test.each(wrong)(
  '%s with %j changed to %j is not met, and the difference is reported',
  (name, right, made, message) => {
    const text = textOf(name)
    expect(text.split(right)).toHaveLength(2)
    const verdict = runText(text.replace(right, () => made))
    expect(verdict.met).toBe(false)
    expect(differences(verdict)).toContain(message)
  },
)

test.each(shipped)('%s emits the same bytes in each run', async (name) => {
  const [first, second] = [await simulated({ files: [pathOf(name)] }), await simulated({ files: [pathOf(name)] })]
  expect(first).toEqual(second)
  expect(first.events.length).toBeGreaterThan(1_000)
})

test('with another seed philosophers think for other times, and still starve', async () => {
  const files = [pathOf('dining-philosophers.yaml')]
  const runs = await Promise.all([1, 2, 7].map((seed) => simulated({ files, seed })))
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
  expect(new Set(runs.map(({ events }) => events)).size).toBe(3)
  // The file's own seed.
  expect((await simulated({ files })).events).toBe(runs[2]!.events)
})
