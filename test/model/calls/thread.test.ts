/** Tests creating, joining, detaching and ending threads of the model. */

import { describe, expect, test } from 'vitest'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { returned, state, World } from '../world.ts'

function three(): { world: World; main: ModelThread; one: ModelThread; two: ModelThread } {
  const world = new World()
  const process = world.spawn('p')
  return { world, main: world.thread(process), one: world.more(process), two: world.more(process) }
}

describe('ThreadCreate', () => {
  test('creates a READY thread, by default with the caller’s own priority', () => {
    const { world, main } = three()
    const high = world.more(main.parent, { priority: 30 })
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    world.call(high, 'SyncMutexLock', { mutex: 'm' })
    expect(main.priority).toBe(30)
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 5 })
    const made = world.thread(main.parent, 5)
    expect([state(made), made.priority, made.name, made.detached]).toEqual(['READY', 10, 'thread-5', false])
    expect(world.call(main, 'ThreadCreate', { name: 'worker', priority: 40, detached: true })).toEqual({ tid: 6 })
    const worker = world.thread(main.parent, 6)
    expect([worker.priority, worker.name, worker.detached]).toEqual([40, 'worker', true])
  })

  test('allows a priority above 63 only for user 0', () => {
    const world = new World()
    const [root, user] = [world.thread(world.spawn('root')), world.thread(world.spawn('user', { uid: 1000 }))]
    expect(world.call(root, 'ThreadCreate', { priority: 255 })).toEqual({ tid: 2 })
    expect(world.call(user, 'ThreadCreate', { priority: 64 })).toBe('EPERM')
    expect(world.call(user, 'ThreadCreate', { priority: 63 })).toEqual({ tid: 2 })
  })

  test('passes the caller’s signal mask to the thread, so a signal that main masks reaches the thread that waits', () => {
    const world = new World()
    const main = world.thread(world.spawn('main'))
    const sender = world.thread(world.spawn('sender'))
    world.call(main, 'SignalProcmask', { how: 'block', signals: ['SIGTERM', 'SIGUSR1'] })
    world.call(main, 'SignalKill', { pid: 0, tid: 1, signal: 'SIGUSR1' })
    const { tid } = world.call(main, 'ThreadCreate', {}) as { tid: number }
    const waiting = world.thread(main.parent, tid)
    const outside = world.more(main.parent)
    for (const thread of [waiting, outside])
      expect([[...thread.mask].map(({ name }) => name), thread.pending]).toEqual([['SIGTERM', 'SIGUSR1'], []])
    world.call(sender, 'kill', { pid: main.parent.pid, signal: 'SIGTERM' })
    expect(world.call(waiting, 'SignalWaitinfo', { signals: ['SIGTERM'] })).toMatchObject({ signal: 'SIGTERM' })
    expect(main.parent.living).toBe(3)
    world.call(waiting, 'SignalProcmask', { how: 'set', signals: [] })
    const next = world.call(waiting, 'ThreadCreate', {}) as { tid: number }
    expect(world.thread(main.parent, next.tid).mask.size).toBe(0)
  })

  test('is refused with EAGAIN without room for a thread, and with ENOMEM without room for its stack', () => {
    const { world, main } = three()
    world.machine.move(main.parent, world.machine.putPartition(['small'], { threads: 4, 'stack-size': 2_000_000 }))
    expect(world.call(main, 'ThreadCreate', { stackSize: 2_000_000 })).toBe('ENOMEM')
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 4 })
    expect(world.call(main, 'ThreadCreate', {})).toBe('EAGAIN')
    world.machine.putPartition(['small'], { threads: null, 'stack-size': null, stack: 4 * 4096 })
    expect(world.call(main, 'ThreadCreate', {})).toBe('ENOMEM')
    world.machine.putPartition(['small'], { stack: null, memory: 4 * 4096 })
    expect(world.call(main, 'ThreadCreate', {})).toBe('ENOMEM')
    world.machine.putPartition(['small'], { memory: null })
    world.call(main, 'setrlimit', { rlimit: 'nthr', soft: 4 })
    expect(world.call(main, 'ThreadCreate', {})).toBe('EAGAIN')
    world.call(main, 'setrlimit', { rlimit: 'nthr', soft: 5, hard: 5 })
    world.call(main, 'setrlimit', { rlimit: 'as', soft: 4 * 262_144 })
    expect(world.call(main, 'ThreadCreate', {})).toBe('ENOMEM')
  })

  test('creates a STOPPED thread in a stopped process', () => {
    const { world, main } = three()
    const killer = world.thread(world.spawn('killer'))
    world.call(killer, 'kill', { pid: main.parent.pid, signal: 'SIGSTOP' })
    const made = world.more(main.parent)
    expect(state(made)).toBe('STOPPED')
    expect(world.call(made, 'ChannelCreate', {})).toBe('EBUSY')
    world.call(killer, 'kill', { pid: main.parent.pid, signal: 'SIGCONT' })
    expect([main, made].map(state)).toEqual(['READY', 'READY'])
  })
})

describe('ThreadJoin', () => {
  test('blocks in JOIN until the thread ends, and returns its status', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'ThreadJoin', { tid: one.tid })).toBe('JOIN')
    expect(main.waitsOn).toEqual({ thread: '/sys/proc/1/thread/2' })
    world.call(one, 'ThreadDestroy', { status: 42 })
    expect(returned(main)).toEqual({ tid: 2, status: 42 })
    expect(main.parent.threads.has(2)).toBe(false)
  })

  test('returns at once if the thread has ended, and frees its tid', () => {
    const { world, main, one } = three()
    world.call(one, 'ThreadDestroy', { status: 7 })
    expect(state(one)).toBe('DEAD')
    expect(world.usage(main.parent, 'threads')).toBe(3)
    expect(world.call(main, 'ThreadJoin', { tid: 2 })).toEqual({ tid: 2, status: 7 })
    expect(world.usage(main.parent, 'threads')).toBe(2)
    expect(world.call(main, 'ThreadJoin', { tid: 2 })).toBe('ESRCH')
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 2 })
  })

  test('is necessary before the tid of an ended thread can be used again', () => {
    const { world, main, one } = three()
    world.call(one, 'ThreadDestroy', {})
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 4 })
  })

  test('is refused for the caller, a detached thread, a thread that another joins, and a missing one', () => {
    const { world, main, one, two } = three()
    const detached = world.more(main.parent, { detached: true })
    expect(world.call(main, 'ThreadJoin', { tid: main.tid })).toBe('EDEADLK')
    expect(world.call(main, 'ThreadJoin', { tid: detached.tid })).toBe('EINVAL')
    world.call(one, 'ThreadJoin', { tid: two.tid })
    expect(world.call(main, 'ThreadJoin', { tid: two.tid })).toBe('EBUSY')
    expect(world.call(main, 'ThreadJoin', { tid: 9 })).toBe('ESRCH')
  })

  test('can be called by another thread when the joining one ends', () => {
    const { world, main, one, two } = three()
    world.call(one, 'ThreadJoin', { tid: two.tid })
    world.call(main, 'ThreadDestroy', { tid: one.tid })
    expect(world.call(main, 'ThreadJoin', { tid: two.tid })).toBe('JOIN')
  })

  test('in a loop blocks every thread of the loop', () => {
    const { world, main, one, two } = three()
    world.call(main, 'ThreadJoin', { tid: one.tid })
    world.call(one, 'ThreadJoin', { tid: two.tid })
    expect(world.call(two, 'ThreadJoin', { tid: main.tid })).toBe('JOIN')
  })
})

describe('ThreadDetach', () => {
  test('makes a thread disappear when it ends', () => {
    const { world, main, one } = three()
    expect(world.call(main, 'ThreadDetach', { tid: one.tid })).toEqual({})
    world.call(one, 'ThreadDestroy', {})
    expect(main.parent.threads.has(one.tid)).toBe(false)
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 2 })
  })

  test('removes an ended thread at once', () => {
    const { world, main, one } = three()
    world.call(one, 'ThreadDestroy', {})
    world.call(main, 'ThreadDetach', { tid: one.tid })
    expect([main.parent.threads.has(one.tid), world.usage(main.parent, 'threads')]).toEqual([false, 2])
  })

  test('is refused for a detached thread, one that another joins, and a missing one', () => {
    const { world, main, one, two } = three()
    world.call(main, 'ThreadDetach', { tid: one.tid })
    expect(world.call(main, 'ThreadDetach', { tid: one.tid })).toBe('EINVAL')
    world.call(one, 'ThreadJoin', { tid: two.tid })
    expect(world.call(main, 'ThreadDetach', { tid: two.tid })).toBe('EBUSY')
    expect(world.call(main, 'ThreadDetach', { tid: 9 })).toBe('ESRCH')
  })
})

describe('ThreadDestroy', () => {
  test('ends the process with its last thread, even if ended threads are not joined', () => {
    const { world, main, one, two } = three()
    world.call(one, 'ThreadDestroy', {})
    world.call(main, 'ThreadDestroy', { tid: two.tid })
    world.takeEvents()
    expect(world.call(main, 'ThreadDestroy', { status: 5 })).toEqual({})
    expect(world.takeEvents()).toEqual(['thread.died /sys/proc/1/thread/1', 'process.died /sys/proc/1'])
    expect(world.machine.processes.find(1)).toBe(null)
  })

  test('uses the lowest eight bits of the last thread’s status as exit code', () => {
    const world = new World()
    const parent = world.thread(world.spawn('parent'))
    for (const [status, code] of [
      [256, 0],
      [300, 44],
      [-1, 255],
    ] as const) {
      const { pid } = world.call(parent, 'spawn', { name: 'child' }) as { pid: number }
      world.call(world.thread(world.machine.processes.get(pid)), 'ThreadDestroy', { status })
      expect(world.call(parent, 'waitpid', { pid })).toEqual({ pid, code, signal: null })
    }
  })

  test('leaves the process alive when only its first thread ends', () => {
    const { world, main, one } = three()
    world.call(main, 'ThreadDestroy', {})
    expect(state(main)).toBe('DEAD')
    expect(world.call(one, 'ThreadJoin', { tid: 1 })).toEqual({ tid: 1, status: 0 })
  })

  test('with -1 ends every thread except the caller', () => {
    const { world, main, one, two } = three()
    world.call(two, 'ThreadJoin', { tid: one.tid })
    expect(world.call(main, 'ThreadDestroy', { tid: -1, status: 3 })).toEqual({})
    expect([main, one, two].map(state)).toEqual(['RUNNING', 'DEAD', 'DEAD'])
    expect(world.usage(main.parent, 'stack')).toBe(4096)
  })

  test('ends a thread in any blocked state and removes it from every queue', () => {
    const { world, main } = three()
    const { chid, coid } = world.connect(main, main)
    const waits: [string, (thread: ModelThread) => unknown][] = [
      ['RECEIVE', (thread) => world.call(thread, 'MsgReceive', { chid })],
      ['SEM', (thread) => world.call(thread, 'SyncSemWait', { semaphore: 's' })],
      ['MUTEX', (thread) => world.call(thread, 'SyncMutexLock', { mutex: 'm' })],
      ['JOIN', (thread) => world.call(thread, 'ThreadJoin', { tid: 1 })],
      ['NANOSLEEP', (thread) => world.call(thread, 'nanosleep', { for: 10 })],
      ['SIGWAITINFO', (thread) => world.call(thread, 'SignalWaitinfo', { signals: ['SIGUSR1'] })],
      ['SIGSUSPEND', (thread) => world.call(thread, 'SignalSuspend', { mask: [] })],
      ['SEND', (thread) => world.call(thread, 'MsgSend', { coid })],
    ]
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore' })
    world.call(main, 'SyncMutexLock', { mutex: 'm' })
    for (const [wait, begin] of waits) {
      const thread = world.more(main.parent)
      expect(begin(thread)).toBe(wait)
      expect(world.call(main, 'ThreadDestroy', { tid: thread.tid })).toEqual({})
      expect([thread.blocker, thread.queue, state(thread)]).toEqual([null, null, 'DEAD'])
    }
    const channel = main.parent.channels.get(chid)!
    expect([channel.senders.length, channel.receivers.length, main.joiner, world.machine.wheel.nextAt()]).toEqual([
      0,
      0,
      null,
      null,
    ])
    expect(world.call(main, 'SyncDestroy', { name: 's' })).toEqual({})
  })

  test('is refused for a thread that has ended or never existed', () => {
    const { world, main, one } = three()
    world.call(one, 'ThreadDestroy', {})
    expect(world.call(main, 'ThreadDestroy', { tid: one.tid })).toBe('ESRCH')
    expect(world.call(main, 'ThreadDestroy', { tid: 9 })).toBe('ESRCH')
  })

  test('emits thread.died once, and nothing at the join', () => {
    const { world, main, one } = three()
    world.takeEvents()
    world.call(one, 'ThreadDestroy', {})
    world.call(main, 'ThreadJoin', { tid: one.tid })
    expect(world.takeEvents()).toEqual(['thread.died /sys/proc/1/thread/2'])
  })
})

describe('the main thread', () => {
  test('is the only one under RLIMIT_STACK, even if another thread has its tid later', () => {
    const { world, main, one } = three()
    world.call(one, 'setrlimit', { rlimit: 'stack', soft: 8192 })
    expect([main, one].map((thread) => world.machine.pools.capacity(thread, 'stack'))).toEqual([8192, 262_144])
    world.call(main, 'ThreadDestroy', {})
    world.call(one, 'ThreadJoin', { tid: 1 })
    expect(world.call(one, 'ThreadCreate', {})).toEqual({ tid: 1 })
    const later = world.thread(one.parent)
    expect([later.name, world.machine.pools.capacity(later, 'stack')]).toEqual(['thread-1', 262_144])
    world.call(one, 'setrlimit', { rlimit: 'stack', soft: 4096 })
    expect(world.machine.pools.capacity(later, 'stack')).toBe(262_144)
  })
})
