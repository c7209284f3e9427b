/** Detection of deadlocks in the driven model: the events, their members and victims, and how each deadlock ends. */

import { describe, expect, test } from 'vitest'
import type { TimeoutState } from '../../../src/kernel/states.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { exportState, importState } from '../../../src/model/state/state.ts'
import { state, World } from '../../model/world.ts'
import type { AnyEvent } from '../../support/any-event.ts'

const path = (pid: number, tid: number) => `/sys/proc/${pid}/thread/${tid}`

interface DeadlockData {
  readonly closing: unknown
  readonly members: readonly { readonly path: string }[]
  readonly victims: readonly { readonly path: string }[]
}

/** Takes the recorded deadlock events, each with its members. */
function takeDeadlockEvents(world: World): string[] {
  const events = world.events.filter(({ type }) => type.startsWith('deadlock.'))
  world.events = []
  return events.map(({ type, data, subject }) => {
    const { members } = data as unknown as DeadlockData
    const what = data.how ?? data.reason
    return [
      type,
      ...(what === undefined ? [] : [what]),
      subject.split('/')[3],
      ...members.map((member) => member.path),
    ].join(' ')
  })
}

const lastOf = ({ events }: World, type: string): AnyEvent => events.findLast((event) => event.type === type)!

/** Creates two threads that each own the mutex the other wants. `close` lets the second wait and so closes the loop. */
function abba(world: World) {
  const process = world.spawn('p')
  const [a, b] = [world.thread(process), world.more(process)]
  world.call(a, 'SyncMutexLock', { mutex: 'm' })
  world.call(b, 'SyncMutexLock', { mutex: 'n' })
  world.call(a, 'SyncMutexLock', { mutex: 'n' })
  const close = () => world.call(b, 'SyncMutexLock', { mutex: 'm' })
  return { process, a, b, close }
}

describe('a deadlock', () => {
  test('between two threads that own each other’s mutex is detected as it closes, and the event names the closing wait', () => {
    const world = new World()
    const { close } = abba(world)
    close()
    const event = lastOf(world, 'deadlock.detected')
    // Before it come two births, two waits and the process, so this is the sixth event.
    expect(event).toEqual({
      type: 'deadlock.detected',
      at: 0,
      subject: '/sys/deadlocks/6',
      about: [path(1, 1), path(1, 2)],
      data: {
        since: '1970-01-01T00:00:00.000Z',
        closing: { what: 'blocked', thread: path(1, 2), state: 'MUTEX', call: 'SyncMutexLock' },
        members: [
          {
            path: path(1, 1),
            name: 'p',
            state: 'MUTEX',
            object: 'n',
            owner: path(1, 2),
            since: '1970-01-01T00:00:00.000Z',
          },
          {
            path: path(1, 2),
            name: 'thread-2',
            state: 'MUTEX',
            object: 'm',
            owner: path(1, 1),
            since: '1970-01-01T00:00:00.000Z',
          },
        ],
        victims: [],
        victimCount: 0,
      },
    })
    expect(world.kernel.nextSequence).toBe(7)
  })

  test('is resolved when a member ends, and a waiter for its mutex becomes an orphan', () => {
    const world = new World()
    const { process, close } = abba(world)
    close()
    takeDeadlockEvents(world)
    world.call(world.more(process), 'ThreadDestroy', { tid: 1 })
    expect(takeDeadlockEvents(world)).toEqual([
      `deadlock.resolved ended 6 ${path(1, 1)} ${path(1, 2)}`,
      `deadlock.orphaned 10 ${path(1, 2)}`,
    ])
    expect(world.kernel.deadlocks.all().map(({ id, kind }) => [id, kind])).toEqual([[10, 'orphaned']])
  })

  test('is only suspected while a member has a timeout, and ends with that', () => {
    const world = new World()
    const { b, close } = abba(world)
    world.call(b, 'TimerTimeout', { states: ['MUTEX'], after: 10 })
    close()
    world.pass(10)
    const resolved = lastOf(world, 'deadlock.resolved')
    expect(resolved.data).toMatchObject({
      how: 'returned',
      errno: 'ETIMEDOUT',
      thread: path(1, 2),
      was: 'suspected',
      stuck: [],
    })
    expect(takeDeadlockEvents(world)).toEqual([
      `deadlock.suspected timed 6 ${path(1, 1)} ${path(1, 2)}`,
      `deadlock.resolved returned 6 ${path(1, 1)} ${path(1, 2)}`,
    ])
    expect(world.kernel.deadlocks.all()).toEqual([])
  })

  test.each([
    ['JOIN', (world: World, a: ModelThread, b: ModelThread) => world.call(a, 'ThreadJoin', { tid: b.tid })],
    ['SEND', (world: World, a: ModelThread) => world.call(a, 'MsgSend', { coid: 1 })],
  ] as const)('is only suspected while a member has a timeout for its wait in %s', (blocked, waitFor) => {
    const run = (states: readonly TimeoutState[]) => {
      const world = new World()
      const a = world.thread(world.spawn('a'))
      const b = blocked === 'JOIN' ? world.more(a.parent) : world.thread(world.spawn('b'))
      if (blocked === 'SEND') world.connect(a, b)
      world.call(a, 'SyncMutexLock', { mutex: '/m' })
      world.call(b, 'SyncMutexLock', { mutex: '/m' })
      world.call(a, 'TimerTimeout', { states, after: 10 })
      expect(waitFor(world, a, b)).toBe(blocked)
      const [before] = world.kernel.deadlocks.all()
      const copy = importState(JSON.parse(JSON.stringify(exportState(world.machine))))
      expect(copy.machine.kernel.deadlocks.all()).toMatchObject([{ kind: before?.kind, reasons: before?.reasons }])
      world.pass(10)
      return [before?.kind, before?.reasons, world.kernel.deadlocks.all().length]
    }
    expect(run([blocked])).toEqual(['suspected', ['timed'], 0])
    expect(run(['CONDVAR'])).toEqual(['detected', [], 1])
  })

  test('without an owner is only suspected while its thread has a timeout', () => {
    const world = new World()
    const process = world.spawn('p')
    const [owner, waiter] = [world.thread(process), world.more(process)]
    world.call(owner, 'SyncMutexLock', { mutex: 'm' })
    world.call(owner, 'ThreadDestroy', {})
    world.call(waiter, 'TimerTimeout', { states: ['MUTEX'], after: 10 })
    world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
    expect(world.kernel.deadlocks.all()).toMatchObject([{ kind: 'suspected', reasons: ['timed'] }])
    world.pass(10)
    expect(world.kernel.deadlocks.all()).toEqual([])
  })

  test('is detected all the same if the timeout cannot end the wait: the mutex of a condition is taken again', () => {
    const world = new World()
    const process = world.spawn('p')
    const [a, b] = [world.thread(process), world.more(process)]
    for (const mutex of ['m', 'n']) world.call(a, 'SyncMutexLock', { mutex })
    world.call(a, 'TimerTimeout', { states: ['CONDVAR', 'MUTEX'], after: 10 })
    world.call(a, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(b, 'SyncMutexLock', { mutex: 'm' })
    world.call(b, 'SyncMutexLock', { mutex: 'n' })
    const kinds = () => world.kernel.deadlocks.all().map(({ kind, members }) => [kind, members])
    expect(kinds()).toEqual([['detected', [a, b]]])
    world.pass(10)
    expect([state(a), kinds()]).toEqual(['MUTEX', [['detected', [a, b]]]])
  })

  test('does not arise from a wait that times out at once', () => {
    const world = new World()
    const { b, close } = abba(world)
    world.call(b, 'TimerTimeout', { states: ['MUTEX'], after: 0 })
    expect(close()).toBe('ETIMEDOUT')
    expect(takeDeadlockEvents(world)).toEqual([])
  })

  test('lists the victims from before it closed; a later victim joins without an event', () => {
    const world = new World()
    const { process, close } = abba(world)
    const [early, late] = [world.more(process), world.more(process)]
    world.call(early, 'ThreadJoin', { tid: 1 })
    close()
    const { victims } = lastOf(world, 'deadlock.detected').data as unknown as DeadlockData
    expect(victims.map((victim) => victim.path)).toEqual([early.path])
    takeDeadlockEvents(world)
    world.call(late, 'SyncMutexLock', { mutex: 'm' })
    expect(takeDeadlockEvents(world)).toEqual([])
    const [deadlock] = world.kernel.deadlocks.all()
    expect(world.kernel.deadlocks.victimsOf(deadlock!)).toEqual([early, late])
    expect(world.kernel.deadlocks.isStuckThread(late)).toBe(true)
  })

  test('has one member when a thread locks a plain mutex twice', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.detected 4 ${path(1, 1)}`])
  })

  test('is detected for a thread that has joined one thread and then joins another', () => {
    const world = new World()
    const process = world.spawn('p')
    const [main, one, other] = [world.thread(process), world.more(process), world.more(process)]
    world.call(main, 'ThreadJoin', { tid: one.tid })
    world.call(one, 'ThreadDestroy', {})
    world.call(main, 'ThreadJoin', { tid: other.tid })
    world.call(other, 'ThreadJoin', { tid: main.tid })
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.detected 10 ${path(1, 1)} ${path(1, 3)}`])
  })

  test('is detected through a condition wait whose mutex another thread owns', () => {
    const world = new World()
    const process = world.spawn('p')
    const [waiter, owner] = [world.thread(process), world.more(process)]
    world.call(waiter, 'SyncMutexLock', { mutex: 'held' })
    world.call(waiter, 'SyncMutexLock', { mutex: 'm' })
    world.call(waiter, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
    world.call(owner, 'SyncMutexLock', { mutex: 'm' })
    expect(takeDeadlockEvents(world)).toEqual([])
    world.call(owner, 'SyncMutexLock', { mutex: 'held' })
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.detected 6 ${path(1, 1)} ${path(1, 2)}`])
  })
})

/** Creates two servers of one thread each, connected in both directions. */
function servers(world: World) {
  const [one, other] = [world.thread(world.spawn('one')), world.thread(world.spawn('other'))]
  return { one, other, there: world.connect(one, other).coid, back: world.connect(other, one).coid }
}

describe('a loop through a server', () => {
  test('is no deadlock while a server thread is free, and becomes one when that thread ends', () => {
    const world = new World()
    const { one, other, there, back } = servers(world)
    const spare = world.more(one.parent)
    world.call(one, 'MsgSend', { coid: there })
    world.call(other, 'MsgSend', { coid: back })
    expect(takeDeadlockEvents(world)).toEqual([])
    world.call(spare, 'ThreadDestroy', {})
    expect(lastOf(world, 'deadlock.detected').data.closing).toEqual({
      what: 'ended',
      thread: spare.path,
      state: null,
      call: null,
    })
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.detected 9 ${path(1, 1)} ${path(2, 1)}`])
  })

  test('is resolved by a new server thread, which could receive', () => {
    const world = new World()
    const { one, other, there, back } = servers(world)
    world.call(one, 'MsgSend', { coid: there })
    world.call(other, 'MsgSend', { coid: back })
    takeDeadlockEvents(world)
    world.more(one.parent)
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.resolved created 7 ${path(1, 1)} ${path(2, 1)}`])
  })

  test('is suspected when only the receiver is stuck, and proven when the other threads are stuck too', () => {
    const world = new World()
    const { one, other, there } = servers(world)
    const spare = world.more(other.parent)
    const { coid: back } = world.connect(other, one)
    world.call(other, 'MsgReceive', { chid: 1 })
    world.call(one, 'MsgSend', { coid: there })
    expect(takeDeadlockEvents(world)).toEqual([])
    world.call(other, 'MsgSend', { coid: back })
    expect(takeDeadlockEvents(world)).toEqual([`deadlock.suspected receiver-will-reply 10 ${path(1, 1)} ${path(2, 1)}`])
    world.call(spare, 'ThreadJoin', { tid: 1 })
    expect(takeDeadlockEvents(world)).toEqual([
      `deadlock.detected 12 ${path(1, 1)} ${path(2, 1)} ${path(2, 2)}`,
      `deadlock.resolved proven 10 ${path(1, 1)} ${path(2, 1)}`,
    ])
    world.more(other.parent)
    expect(takeDeadlockEvents(world)).toEqual([
      `deadlock.resolved created 12 ${path(1, 1)} ${path(2, 1)} ${path(2, 2)}`,
      `deadlock.suspected receiver-will-reply 16 ${path(1, 1)} ${path(2, 1)}`,
    ])
  })

  test('is saved and loaded with its suspicion and its id', () => {
    const world = new World()
    const { one, other, there, back } = servers(world)
    world.more(other.parent)
    world.call(other, 'MsgReceive', { chid: 1 })
    world.call(one, 'MsgSend', { coid: there })
    world.call(other, 'MsgSend', { coid: back })
    abba(world).close()
    const { kernel, machine } = importState(JSON.parse(JSON.stringify(exportState(world.machine))))
    const plain = (deadlocks: typeof kernel.deadlocks) =>
      deadlocks.all().map(({ members, ...rest }) => ({ ...rest, members: members.map((member) => member.path) }))
    expect(plain(kernel.deadlocks).map(({ kind }) => kind)).toEqual(['suspected', 'detected'])
    expect(plain(kernel.deadlocks)).toEqual(plain(world.kernel.deadlocks))
    const events: AnyEvent[] = []
    kernel.onEvent((event) => events.push(event))
    machine.createThread(machine.processes.get(1), {})
    machine.call(2, 2, { name: 'MsgReply', args: { rcvid: 1 } })
    expect(events.map(({ type, subject }) => [type, subject])).toContainEqual([
      'deadlock.resolved',
      '/sys/deadlocks/10',
    ])
  })
})
