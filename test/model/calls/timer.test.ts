/** Tests timers, nanosleep, timeouts of kernel calls, and CPU time of the model. */

import { describe, expect, test } from 'vitest'
import { timeoutStates } from '../../../src/kernel/states.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import { returned, state, World } from '../world.ts'

function one(): { world: World; main: ModelThread } {
  const world = new World()
  return { world, main: world.thread(world.spawn('p')) }
}

describe('a timer', () => {
  test('sends its pulse when it expires, once or periodically', () => {
    const { world, main } = one()
    const { chid, coid } = world.connect(main, main)
    expect(world.call(main, 'TimerCreate', { notify: { pulse: { coid, code: 5, value: 6 } } })).toEqual({ timerid: 1 })
    expect(world.call(main, 'TimerSettime', { timerid: 1, after: 100, every: 50 })).toEqual({ after: 0, every: 0 })
    world.call(main, 'MsgReceive', { chid })
    world.pass(99)
    expect(state(main)).toBe('RECEIVE')
    world.pass(1)
    expect(returned(main)).toMatchObject({ rcvid: 0, code: 5, value: 6, priority: 10 })
    world.pass(100)
    expect(world.call(main, 'MsgReceive', { chid })).toMatchObject({ code: 5, count: 2 })
    expect(world.call(main, 'TimerSettime', { timerid: 1, after: 10 })).toEqual({ after: 50, every: 50 })
    world.pass(10)
    expect(world.call(main, 'MsgReceive', { chid })).toMatchObject({ count: 1 })
    world.pass(1000)
    expect(world.call(main, 'MsgReceive', { chid })).toBe('RECEIVE')
  })

  test('set again while it runs expires only at its new time', () => {
    const { world, main } = one()
    const { chid, coid } = world.connect(main, main)
    world.call(main, 'TimerCreate', { notify: { pulse: { coid, code: 1 } } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 100 })
    world.call(main, 'TimerSettime', { timerid: 1, after: 200 })
    world.call(main, 'MsgReceive', { chid })
    world.pass(199)
    expect(state(main)).toBe('RECEIVE')
    world.pass(1)
    expect(state(main)).toBe('READY')
    world.pass(1000)
    expect(world.call(main, 'MsgReceive', { chid })).toBe('RECEIVE')
  })

  test('sends its signal to the process', () => {
    const { world, main } = one()
    world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM', code: 3, value: 4 } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 10 })
    world.call(main, 'SignalWaitinfo', { signals: ['SIGALRM'] })
    world.pass(10)
    expect(returned(main)).toEqual({ signal: 'SIGALRM', code: 3, value: 4, pid: null })
    world.call(main, 'TimerSettime', { timerid: 1, after: 10, every: 10 })
    world.pass(10)
    expect(world.events.at(-1)).toMatchObject({ type: 'process.died', at: 20, data: { signal: 'SIGALRM' } })
    world.pass(100)
    expect(world.machine.wheel.nextAt()).toBe(null)
  })

  test('does not expire after it was stopped or removed', () => {
    const { world, main } = one()
    for (const timerid of [1, 2]) {
      world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })
      world.call(main, 'TimerSettime', { timerid, after: 10 })
    }
    expect(world.call(main, 'TimerSettime', { timerid: 1, after: 0 })).toEqual({ after: 10, every: 0 })
    expect(world.call(main, 'TimerDestroy', { timerid: 2 })).toEqual({})
    world.pass(100)
    expect(state(main)).toBe('RUNNING')
    expect(world.call(main, 'TimerDestroy', { timerid: 2 })).toBe('EINVAL')
    expect(world.call(main, 'TimerSettime', { timerid: 2, after: 10 })).toBe('EINVAL')
    expect(world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })).toEqual({ timerid: 2 })
  })

  test('expires without a pulse if its connection is gone', () => {
    const { world, main } = one()
    const { chid, coid } = world.connect(main, main)
    world.call(main, 'TimerCreate', { notify: { pulse: { coid, code: 1 } } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 10, every: 10 })
    world.call(main, 'ConnectDetach', { coid })
    world.call(main, 'ConnectAttach', { pid: 0, chid })
    world.pass(10)
    expect(world.usage(main.parent, 'signals')).toBe(0)
  })

  test('counts an overrun if it finds no room for its pulse or signal', () => {
    const { world, main } = one()
    const { coid } = world.connect(main, main)
    world.machine.move(main.parent, world.machine.putPartition(['p'], { signals: 0 }))
    world.call(main, 'TimerCreate', { notify: { pulse: { coid, code: 1 } } })
    world.call(main, 'TimerSettime', { timerid: 1, after: 10, every: 10 })
    world.pass(30)
    expect(main.parent.timers.get(1)!.overruns).toBe(3)
  })

  test('needs an existing connection or signal, and room', () => {
    const { world, main } = one()
    expect(world.call(main, 'TimerCreate', { notify: { pulse: { coid: 9, code: 1 } } })).toBe('EBADF')
    expect(world.call(main, 'TimerCreate', { notify: { signal: 'SIGNONE' } })).toBe('EINVAL')
    const { chid, coid } = world.connect(main, main)
    world.call(main, 'ChannelDestroy', { chid })
    expect(world.call(main, 'TimerCreate', { notify: { pulse: { coid, code: 1 } } })).toBe('EBADF')
    world.machine.move(main.parent, world.machine.putPartition(['p'], { timers: 1 }))
    world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })
    expect(world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })).toBe('EAGAIN')
  })
})

describe('nanosleep', () => {
  test('blocks each sleeper in NANOSLEEP until its own time', () => {
    const { world, main } = one()
    const other = world.more(main.parent)
    expect(world.call(main, 'nanosleep', { for: 20 })).toBe('NANOSLEEP')
    expect(main.waitsOn).toEqual({ until: '1970-01-01T00:00:00.020Z' })
    world.call(other, 'nanosleep', { for: 10 })
    world.takeEvents()
    world.pass(1000)
    expect(world.events.map(({ at, subject }) => [at, subject])).toEqual([
      [10, '/sys/proc/1/thread/2'],
      [20, '/sys/proc/1/thread/1'],
    ])
    expect(world.call(main, 'nanosleep', { for: 0 })).toEqual({})
  })
})

describe('TimerTimeout', () => {
  /** For each state that TimerTimeout accepts: begins a wait by the main thread of a separate process. */
  const waits: Record<string, (world: World, thread: ModelThread) => unknown> = {
    SEND: (world, thread) => world.call(thread, 'MsgSend', { coid: 1 }),
    RECEIVE: (world, thread) => world.call(thread, 'MsgReceive', { chid: 1 }),
    REPLY: (world, thread) => {
      world.call(world.more(thread.parent), 'MsgReceive', { chid: 1 })
      return world.call(thread, 'MsgSend', { coid: 1 })
    },
    SIGSUSPEND: (world, thread) => world.call(thread, 'SignalSuspend', { mask: [] }),
    SIGWAITINFO: (world, thread) => world.call(thread, 'SignalWaitinfo', { signals: ['SIGUSR1'] }),
    NANOSLEEP: (world, thread) => world.call(thread, 'nanosleep', { for: 1e6 }),
    MUTEX: (world, thread) => world.call(thread, 'SyncMutexLock', { mutex: 'theirs' }),
    CONDVAR: (world, thread) => world.call(thread, 'SyncCondvarWait', { condvar: 'c', mutex: 'own' }),
    JOIN: (world, thread) => world.call(thread, 'ThreadJoin', { tid: 2 }),
    SEM: (world, thread) => world.call(thread, 'SyncSemWait', { semaphore: 's' }),
  }

  function prepared() {
    const { world, main } = one()
    const other = world.more(main.parent)
    world.connect(main, main)
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore' })
    world.call(other, 'SyncMutexLock', { mutex: 'theirs' })
    world.call(main, 'SyncMutexLock', { mutex: 'own' })
    return { world, main }
  }

  for (const [wait, begin] of Object.entries(waits)) {
    test(`ends a wait in ${wait} with ETIMEDOUT at its time, counted from the call`, () => {
      const { world, main } = prepared()
      const states = [wait as (typeof timeoutStates)[number]]
      expect(world.call(main, 'TimerTimeout', { states, after: 100 })).toEqual({ states: [] })
      world.pass(40)
      expect(begin(world, main)).toBe(wait)
      world.pass(59)
      expect(state(main)).toBe(wait)
      world.pass(1)
      expect([state(main), returned(main), main.timeout]).toEqual(['READY', 'ETIMEDOUT', null])
    })

    test(`does not end a wait in ${wait} if only other states are listed`, () => {
      const { world, main } = prepared()
      world.call(main, 'TimerTimeout', { states: timeoutStates.filter((other) => other !== wait), after: 100 })
      begin(world, main)
      world.pass(1000)
      expect(state(main)).toBe(wait)
    })

    test(`in the past ends a wait in ${wait} at once`, () => {
      const { world, main } = prepared()
      world.call(main, 'TimerTimeout', { states: [wait as (typeof timeoutStates)[number]], after: 0 })
      expect(begin(world, main)).toBe('ETIMEDOUT')
      expect([state(main), main.timeout]).toEqual(['READY', null])
    })
  }

  test('accepts eleven states, in one of which no call waits', () => {
    expect(timeoutStates.filter((each) => !(each in waits))).toEqual(['INTR'])
  })

  test('applies only to the next call, whether that blocks, returns or is refused', () => {
    const { world, main } = prepared()
    const set = () => world.call(main, 'TimerTimeout', { states: ['NANOSLEEP'], after: 10 })
    set()
    world.call(main, 'ChannelCreate', {})
    expect(main.timeout).toBe(null)
    set()
    world.call(main, 'ChannelDestroy', { chid: 99 })
    expect(main.timeout).toBe(null)
    world.call(main, 'nanosleep', { for: 1000 })
    world.pass(500)
    expect(state(main)).toBe('NANOSLEEP')
  })

  test('replaces the former timeout and returns its states; an empty list removes it', () => {
    const { world, main } = prepared()
    world.call(main, 'TimerTimeout', { states: ['SEND', 'REPLY'], after: 10 })
    expect(world.call(main, 'TimerTimeout', { states: ['NANOSLEEP'], after: 20 })).toEqual({
      states: ['SEND', 'REPLY'],
    })
    expect(world.call(main, 'TimerTimeout', { states: [] })).toEqual({ states: ['NANOSLEEP'] })
    world.call(main, 'nanosleep', { for: 1000 })
    world.pass(500)
    expect(state(main)).toBe('NANOSLEEP')
  })

  test('continues from SEND to REPLY if both are listed, and ends with SEND otherwise', () => {
    for (const [states, end] of [
      [['SEND', 'REPLY'], 'READY'],
      [['SEND'], 'REPLY'],
      [['REPLY'], 'READY'],
    ] as const) {
      const world = new World()
      const [client, server] = [world.thread(world.spawn('client')), world.thread(world.spawn('server'))]
      const { chid, coid } = world.connect(client, server)
      world.call(client, 'TimerTimeout', { states, after: 100 })
      world.call(client, 'MsgSend', { coid })
      world.pass(50)
      world.call(server, 'MsgReceive', { chid })
      world.pass(49)
      expect([states, state(client)]).toEqual([states, 'REPLY'])
      world.pass(1)
      expect([states, state(client)]).toEqual([states, end])
    }
  })

  test('ends the REPLY wait at once if it has expired by then, and the server’s reply fails', () => {
    const world = new World()
    const [client, server] = [world.thread(world.spawn('client')), world.thread(world.spawn('server'))]
    const { chid, coid } = world.connect(client, server)
    world.call(client, 'TimerTimeout', { states: ['REPLY'], after: 10 })
    world.call(client, 'MsgSend', { coid })
    world.pass(20)
    expect(state(client)).toBe('SEND')
    expect(world.call(server, 'MsgReceive', { chid })).toMatchObject({ rcvid: 1 })
    expect([state(client), returned(client), server.serving]).toEqual(['READY', 'ETIMEDOUT', null])
    expect(world.call(server, 'MsgReply', { rcvid: 1 })).toBe('ESRCH')
  })

  test('ends a wait for a condition, which returns only when the thread owns the mutex again', () => {
    for (const states of [['CONDVAR'], ['CONDVAR', 'MUTEX'], ['MUTEX']] as const) {
      const { world, main } = one()
      const other = world.more(main.parent)
      world.call(main, 'SyncMutexLock', { mutex: 'm' })
      world.call(main, 'TimerTimeout', { states, after: 100 })
      world.call(main, 'SyncCondvarWait', { condvar: 'c', mutex: 'm' })
      world.call(other, 'SyncMutexLock', { mutex: 'm' })
      world.pass(50)
      world.call(other, 'SyncCondvarSignal', { condvar: 'c' })
      expect(state(main)).toBe('MUTEX')
      world.pass(100)
      expect(state(main)).toBe('MUTEX')
      world.call(other, 'SyncMutexUnlock', { mutex: 'm' })
      expect([states, state(main), returned(main)]).toEqual([
        states,
        'READY',
        states.includes('MUTEX' as never) ? 'ETIMEDOUT' : {},
      ])
      expect(world.usage(main, 'mutexes')).toBe(1)
    }
  })

  test('removes a thread from its queue', () => {
    const { world, main } = one()
    const other = world.more(main.parent)
    world.call(main, 'SyncTypeCreate', { name: 's', type: 'semaphore' })
    world.call(other, 'TimerTimeout', { states: ['SEM'], after: 10 })
    world.call(other, 'SyncSemWait', { semaphore: 's' })
    world.pass(10)
    world.call(main, 'SyncSemPost', { semaphore: 's' })
    expect(world.call(main, 'SyncSemWait', { semaphore: 's', try: true })).toEqual({})
  })
})

describe('compute', () => {
  test('charges CPU time, which stays in the sums when its thread ends', () => {
    const { world, main } = one()
    const other = world.more(main.parent)
    world.call(main, 'compute', { us: 1500 })
    world.call(other, 'compute', { us: 500 })
    const { system } = world.kernel
    expect([main, other, main.parent, system].map((node) => world.usage(node, 'cpu-time'))).toEqual([
      1500, 500, 2000, 2000,
    ])
    world.call(main, 'ThreadDestroy', { tid: other.tid })
    world.call(main, 'ThreadJoin', { tid: other.tid })
    expect([main.parent, system].map((node) => world.usage(node, 'cpu-time'))).toEqual([2000, 2000])
  })

  test('is a share of the last second, in which many short times count like one long time', () => {
    const { world, main } = one()
    for (let ms = 0; ms < 1000; ms++) {
      world.call(main, 'compute', { us: 400 })
      world.pass(1)
    }
    expect(world.usage(main, 'cpu')).toBe(400)
    expect(world.usage(world.kernel.system, 'cpu')).toBe(400)
    world.pass(500)
    expect(world.usage(main, 'cpu')).toBe(200)
    world.pass(500)
    expect([main, main.parent].map((node) => world.usage(node, 'cpu'))).toEqual([0, 0])
  })

  test('beyond the soft limit causes SIGXCPU once, and beyond the hard limit SIGKILL', () => {
    const { world, main } = one()
    world.call(main, 'setrlimit', { rlimit: 'cpu', soft: 1, hard: 2 })
    world.call(main, 'SignalAction', { signal: 'SIGXCPU', action: 'handle' })
    world.call(main, 'compute', { us: 1_000_000 })
    expect([state(main), main.parent.overCpu]).toEqual(['RUNNING', true])
    world.call(main, 'compute', { us: 999_999 })
    expect(state(main)).toBe('RUNNING')
    world.call(main, 'compute', { us: 1 })
    expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { signal: 'SIGKILL' } })
  })

  test('beyond the soft limit ends the process by SIGXCPU, or by SIGKILL if SIGXCPU is ignored', () => {
    for (const [action, end] of [
      ['default', 'SIGXCPU'],
      ['ignore', 'SIGKILL'],
    ] as const) {
      const { world, main } = one()
      world.call(main, 'setrlimit', { rlimit: 'cpu', soft: 1 })
      world.call(main, 'SignalAction', { signal: 'SIGXCPU', action })
      world.call(main, 'compute', { us: 1_000_000 })
      expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { signal: end } })
    }
  })

  test('refuses a time too large to be counted', () => {
    const { world, main } = one()
    expect(world.call(main, 'compute', { us: Number.MAX_SAFE_INTEGER })).toEqual({})
    expect(world.call(main, 'compute', { us: 1 })).toBe('EINVAL')
  })
})
