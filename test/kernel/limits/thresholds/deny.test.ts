/** Thresholds that deny calls or send signals, and the events of refusals, in the driven model. */

import { describe, expect, test } from 'vitest'
import { KernelError } from '../../../../src/kernel/errno.ts'
import { limitAt } from '../../../../src/kernel/limits/places.ts'
import { type LimitName, limitIndex } from '../../../../src/kernel/limits/table.ts'
import type { ThresholdDefinition } from '../../../../src/kernel/limits/thresholds/threshold.ts'
import type { Node } from '../../../../src/kernel/nodes/node.ts'
import { operate } from '../../../../src/kernel/operate.ts'
import { handlerFrameBytes } from '../../../../src/model/calls/delivery.ts'
import type { ModelProcess } from '../../../../src/model/objects/model-process.ts'
import { exportState, importState, type MachineState } from '../../../../src/model/state/state.ts'
import { state, World } from '../../../model/world.ts'
import { defaults } from '../../support.ts'

type ThresholdRequest = Partial<ThresholdDefinition>

function put(world: World, node: Node, limit: LimitName, fields: ThresholdRequest, name = 'x'): void {
  const { kernel } = world
  const definition: ThresholdDefinition = { ...defaults, action: 'deny', ...fields }
  kernel.update(kernel.now, () => kernel.notifier.put(node, limitAt(node, limit)!, name, { definition, owner: null }))
}

const denied = (world: World) => world.events.filter(({ type }) => type === 'limit.denied')

describe('a threshold that denies', () => {
  test('lets usage reach its point, trips there, and refuses anything beyond it with the errno of the limit', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    put(world, main.parent, 'fds', { at: 2, note: 'enough' })
    expect([1, 2, 3].map(() => world.call(main, 'open', { path: '/f' }))).toEqual([{ fd: 0 }, { fd: 1 }, 'EMFILE'])
    expect(world.events.filter(({ type }) => type === 'threshold.tripped')).toHaveLength(1)
    expect(denied(world)).toEqual([
      {
        type: 'limit.denied',
        at: 0,
        subject: '/sys/proc/1/fds',
        about: ['/sys/proc/1/fds/threshold/x', '/sys/proc/1/thread/1'],
        data: {
          limit: 'fds',
          errno: 'EMFILE',
          by: 'threshold',
          threshold: '/sys/proc/1/fds/threshold/x',
          value: 2,
          wanted: 1,
          most: 2,
          identity: 'model-1-1',
          name: 'p',
          note: 'enough',
          cause: '/sys/proc/1/thread/1',
          call: 'open',
        },
      },
    ])
    world.call(main, 'close', { fd: 0 })
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 0 })
  })

  test('below the current usage refuses only new use', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    for (let count = 0; count < 3; count++) world.call(main, 'ChannelCreate', {})
    put(world, main.parent, 'channels', { at: 1 })
    expect(world.call(main, 'ChannelCreate', {})).toBe('EAGAIN')
    world.call(main, 'ChannelDestroy', { chid: 3 })
    expect(world.usage(main.parent, 'channels')).toBe(2)
    expect(world.call(main, 'ChannelCreate', {})).toBe('EAGAIN')
    world.call(main, 'ChannelDestroy', { chid: 1 })
    world.call(main, 'ChannelDestroy', { chid: 2 })
    expect(world.call(main, 'ChannelCreate', {})).toEqual({ chid: 1 })
  })

  test('in percent follows a change of the capacity at once', () => {
    const world = new World()
    const process = world.spawn('p')
    const main = world.thread(process)
    const limit = (soft: number) =>
      operate(world.kernel, 'setrlimit', (actions) => actions.setRlimit(process, 'nofile', { soft }))
    limit(200)
    put(world, process, 'fds', { at: '50%' })
    for (let count = 0; count < 100; count++) expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: count })
    expect(world.call(main, 'open', { path: '/f' })).toBe('EMFILE')
    limit(204)
    expect(world.takeEvents('threshold')).toEqual([
      'threshold.tripped /sys/proc/1/fds',
      'threshold.cleared /sys/proc/1/fds rearmed',
    ])
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 100 })
    expect(world.call(main, 'open', { path: '/f' })).toEqual({ fd: 101 })
    expect(world.call(main, 'open', { path: '/f' })).toBe('EMFILE')
  })

  test('is one of several refusers: each emits an event, the smallest container first, then by path', () => {
    const world = new World()
    const inner = world.machine.putPartition(['a', 'b'], { channels: 0 })
    const process = world.spawn('p', { container: inner })
    const system = world.kernel.system
    put(world, system, 'channels', { at: 0 }, 'all')
    put(world, system, 'channels', { at: 0, per: 'partition' }, 'part')
    put(world, process, 'channels', { at: 0 }, 'z')
    put(world, process, 'channels', { at: 0 }, 'b')
    put(world, process, 'channels', { at: 0, action: 'notify' }, 'notifies')
    expect(world.call(world.thread(process), 'ChannelCreate', {})).toBe('EAGAIN')
    expect(denied(world).map(({ subject, data }) => [subject, data.by, data.threshold])).toEqual([
      ['/sys/proc/1/channels', 'threshold', '/sys/proc/1/channels/threshold/b'],
      ['/sys/proc/1/channels', 'threshold', '/sys/proc/1/channels/threshold/z'],
      ['/sys/part/a/part/b/channels', 'pool', null],
      ['/sys/part/a/part/b/channels', 'threshold', '/sys/channels/threshold/part'],
      ['/sys/part/a/channels', 'threshold', '/sys/channels/threshold/part'],
      ['/sys/channels', 'threshold', '/sys/channels/threshold/all'],
    ])
  })

  test('with `per` applies to newborns: a process or thread that would begin beyond it is not created', () => {
    const world = new World()
    const process = world.spawn('p')
    const main = world.thread(process)
    put(world, process, 'stack-size', { at: 8192, per: 'thread' }, 'small')
    put(world, world.kernel.system, 'address-space', { at: 300_000, per: 'process' }, 'each')
    expect(world.call(main, 'ThreadCreate', { stackSize: 8193 })).toBe('ENOMEM')
    expect(world.call(main, 'ThreadCreate', { stackSize: 8192 })).toEqual({ tid: 2 })
    expect(world.call(main, 'spawn', { name: 'big', thread: { stackSize: 300_001 } })).toBe('ENOMEM')
    expect(world.call(main, 'spawn', { name: 'fits', thread: { stackSize: 300_000 } })).toEqual({ pid: 2 })
    expect(denied(world).map(({ subject, data }) => [subject, data.newborn, data.most])).toEqual([
      ['/sys/proc/1/stack-size', 'thread', 8192],
      ['/sys/address-space', 'process', 300_000],
    ])
  })

  test('with `where` denies only matching nodes, newborns included, by the name, user and partition they will have', () => {
    const world = new World()
    const { kernel } = world
    const inside = world.machine.putPartition(['in'], {})
    const main = world.thread(world.spawn('shell', { uid: 0 }))
    const where = { name: 'web*', uid: null, partition: '/sys/part/in' }
    put(world, kernel.system, 'stack', { at: 1000, per: 'process', where })
    put(world, kernel.system, 'fds', { at: 1, per: 'process', where: { name: null, uid: 7, partition: null } }, 'f')
    expect(world.call(main, 'spawn', { name: 'web1' })).toEqual({ pid: 2 })
    expect(() => world.spawn('web2', { container: inside })).toThrow('denies more')
    const [other, user] = [world.spawn('db', { container: inside }), world.spawn('user', { uid: 7 })]
    expect(world.call(world.thread(other), 'ThreadCreate', {})).toEqual({ tid: 2 })
    const open = (process: ModelProcess) => world.call(world.thread(process), 'open', { path: '/f' })
    expect([open(user), open(user), open(other), open(other)]).toEqual([{ fd: 0 }, 'EMFILE', { fd: 0 }, { fd: 1 }])
  })

  test('denies nothing while its limit is switched off, not even a newborn', () => {
    const world = new World()
    const { kernel } = world
    const main = world.thread(world.spawn('p'))
    put(world, kernel.system, 'stack', { at: 1000, per: 'thread' })
    const turn = (on: boolean) => kernel.update(kernel.now, () => kernel.notifier.switch(limitIndex.stack, on))
    turn(false)
    expect(world.call(main, 'ThreadCreate', {})).toEqual({ tid: 2 })
    turn(true)
    expect(world.call(main, 'ThreadCreate', {})).toBe('ENOMEM')
    expect(world.call(main, 'enter', { bytes: 1 })).toBe('ENOMEM')
  })

  test('on a partition refuses a process that would move in', () => {
    const world = new World()
    const process = world.spawn('p')
    const partition = world.machine.putPartition(['a'], {})
    put(world, partition, 'processes', { at: 0 })
    expect(() => world.machine.move(process, partition)).toThrow('/sys/part/a/processes is at most 0 count')
    expect(denied(world)).toMatchObject([{ subject: '/sys/part/a/processes', data: { cause: null, call: 'move' } }])
    expect(process.partition).toBe(null)
  })

  test.each([
    ['cpu-time', {}, 'EINVAL', 'action'],
    ['mutexes', {}, 'EINVAL', 'action'],
    ['fds', { direction: 'falling' }, 'EINVAL', 'direction'],
    ['fds', { action: 'notify', signal: 'SIGTERM' }, 'EINVAL', 'signal'],
    ['fds', { action: 'signal' }, 'EINVAL', 'signal'],
    ['fds', { action: 'signal', signal: 'SIGNONE' }, 'EINVAL', 'signal'],
  ] as const)('on %s with %j is refused with %s at %s', (limit, fields, errno, field) => {
    const world = new World()
    const process = world.spawn('p')
    expect(() => put(world, process, limit, { at: 1, ...fields })).toThrow(expect.objectContaining({ errno, field }))
    expect(world.kernel.notifier.size).toBe(0)
  })

  test('continues to deny in a state that was saved and loaded', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    put(world, main.parent, 'channels', { at: 1 })
    world.call(main, 'ChannelCreate', {})
    const { machine } = importState(JSON.parse(JSON.stringify(exportState(world.machine))) as MachineState)
    const create = () => machine.call(1, 1, { name: 'ChannelCreate', args: {} })
    expect(create).toThrow('/sys/proc/1/channels/threshold/x denies more')
  })
})

describe('a refusal by a capacity', () => {
  test('names the rlimit, or says that a pool refused', () => {
    const world = new World()
    const process = world.spawn('p', { container: world.machine.putPartition(['a'], { timers: 0 }) })
    const main = world.thread(process)
    world.call(main, 'setrlimit', { rlimit: 'data', soft: 4096 })
    expect(world.call(main, 'mmap', { pages: 2 })).toBe('ENOMEM')
    expect(world.call(main, 'TimerCreate', { notify: { signal: 'SIGALRM' } })).toBe('EAGAIN')
    expect(denied(world).map(({ subject, about, data }) => [subject, about, data.by, data.rlimit, data.most])).toEqual([
      ['/sys/proc/1/data-pages', ['/sys/part/a', '/sys/proc/1/thread/1'], 'rlimit', 'data', 1],
      ['/sys/part/a/timers', ['/sys/proc/1/thread/1'], 'pool', undefined, 0],
    ])
  })

  test('is not reported for a call that fails without a limit', () => {
    const world = new World()
    const main = world.thread(world.spawn('p'))
    expect(world.call(main, 'close', { fd: 7 })).toBe('EBADF')
    expect(denied(world)).toEqual([])
  })
})

describe('a send that would pass a limit of the receiver', () => {
  /** Creates a receiver that masks SIGUSR1, SIGRTMIN and SIGCONT, and a sender. */
  function pair() {
    const world = new World()
    const [receiver, sender] = [world.thread(world.spawn('receiver')), world.thread(world.spawn('sender'))]
    world.call(receiver, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1', 'SIGRTMIN', 'SIGCONT'] })
    return { world, receiver, sender, path: receiver.parent.path }
  }

  test('is refused with EAGAIN, nothing is queued, and the event names receiver, sender and call', () => {
    const { world, receiver, sender, path } = pair()
    put(world, receiver.parent, 'signals', { at: 1 })
    expect(world.call(sender, 'SignalKill', { pid: 1, signal: 'SIGRTMIN' })).toEqual({})
    expect(world.call(sender, 'SignalKill', { pid: 1, signal: 'SIGRTMIN' })).toBe('EAGAIN')
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGUSR1' })).toBe('EAGAIN')
    expect(receiver.parent.pending).toHaveLength(1)
    expect(denied(world).map(({ subject, data }) => [subject, data.cause, data.call])).toEqual([
      [`${path}/signals`, '/sys/proc/2/thread/1', 'SignalKill'],
      [`${path}/signals`, '/sys/proc/2/thread/1', 'kill'],
    ])
  })

  test('is not affected by a threshold that only notifies', () => {
    const { world, receiver, sender } = pair()
    put(world, receiver.parent, 'signals', { at: 1, action: 'notify' })
    for (let count = 0; count < 3; count++)
      expect(world.call(sender, 'SignalKill', { pid: 1, signal: 'SIGRTMIN' })).toEqual({})
  })

  test('succeeds if it is SIGKILL, SIGSTOP or SIGCONT', () => {
    const { world, receiver, sender } = pair()
    put(world, receiver.parent, 'signals', { at: 0 })
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGSTOP' })).toEqual({})
    expect(state(receiver)).toBe('STOPPED')
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGCONT' })).toEqual({})
    expect(state(receiver)).toBe('READY')
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGKILL' })).toEqual({})
    expect(world.machine.processes.find(1)).toBe(null)
    expect(denied(world)).toEqual([])
  })

  test('is refused the same way for a pulse into a full queue and for a connect past the server ids', () => {
    const { world, receiver, sender, path } = pair()
    const { coid } = world.connect(sender, receiver)
    put(world, receiver.parent, 'signals', { at: 1 })
    put(world, receiver.parent, 'server-ids', { at: 1 })
    expect(world.call(sender, 'MsgSendPulse', { coid, code: 1 })).toEqual({})
    expect(world.call(sender, 'MsgSendPulse', { coid, code: 2 })).toBe('EAGAIN')
    const other = world.thread(world.spawn('other'))
    expect(world.call(other, 'ConnectAttach', { pid: 1, chid: 1 })).toBe('EAGAIN')
    expect(world.usage(other.parent, 'connections')).toBe(0)
    expect(denied(world).map(({ subject, data }) => [subject, data.cause, data.call])).toEqual([
      [`${path}/signals`, '/sys/proc/2/thread/1', 'MsgSendPulse'],
      [`${path}/server-ids`, '/sys/proc/3/thread/1', 'ConnectAttach'],
    ])
  })

  test('from a timer has the process as its cause, and from the end of a child the child', () => {
    const { world, receiver } = pair()
    put(world, receiver.parent, 'signals', { at: 0 })
    world.call(receiver, 'TimerCreate', { notify: { signal: 'SIGUSR1' } })
    world.call(receiver, 'TimerSettime', { timerid: 1, after: 5 })
    world.pass(5)
    world.call(receiver, 'SignalAction', { signal: 'SIGCHLD', action: 'handle' })
    world.call(receiver, 'SignalProcmask', { how: 'block', signals: ['SIGCHLD'] })
    const { pid } = world.call(receiver, 'spawn', { name: 'child' }) as { pid: number }
    world.call(world.thread(world.machine.processes.get(pid)), 'exit', {})
    expect(denied(world).map(({ data }) => [data.cause, data.call])).toEqual([
      ['/sys/proc/1', null],
      [`/sys/proc/${pid}`, null],
    ])
  })

  test('succeeds when only the handler frame passes the stack limit: the threshold trips, and nothing is denied', () => {
    const world = new World()
    const [receiver, sender] = [world.thread(world.spawn('receiver')), world.thread(world.spawn('sender'))]
    world.call(receiver, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    const used = world.usage(receiver, 'stack')
    put(world, receiver, 'stack', { at: used + handlerFrameBytes, action: 'notify' })
    put(world, receiver, 'stack', { at: used }, 'deny')
    world.takeEvents()
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGUSR1' })).toEqual({})
    expect(world.usage(receiver, 'stack')).toBe(used)
    expect(world.takeEvents('threshold')).toEqual([
      'threshold.tripped /sys/proc/1/thread/1/stack',
      'threshold.cleared /sys/proc/1/thread/1/stack rearmed',
    ])
  })

  test('succeeds when the handler frame does not fit, and SIGSEGV ends the receiver', () => {
    const world = new World()
    const receiver = world.thread(world.spawn('receiver', { thread: { stackSize: 4096 + handlerFrameBytes - 1 } }))
    const sender = world.thread(world.spawn('sender'))
    world.call(receiver, 'SignalAction', { signal: 'SIGUSR1', action: 'handle' })
    expect(world.call(sender, 'kill', { pid: 1, signal: 'SIGUSR1' })).toEqual({})
    expect(world.events.at(-1)).toMatchObject({ type: 'process.died', data: { pid: 1, signal: 'SIGSEGV' } })
  })
})

describe('a threshold that sends a signal', () => {
  test('signals the process that trips it, once, and emits an event about it', () => {
    const world = new World()
    const [hog, other] = [world.thread(world.spawn('hog')), world.thread(world.spawn('other'))]
    world.call(hog, 'SignalAction', { signal: 'SIGXCPU', action: 'handle' })
    const waiter = world.more(hog.parent)
    world.call(waiter, 'SignalWaitinfo', { signals: ['SIGXCPU'] })
    put(world, world.kernel.system, 'cpu-time', { at: 100, per: 'process', action: 'signal', signal: 'SIGXCPU' })
    world.call(other, 'compute', { us: 99 })
    world.call(hog, 'compute', { us: 100 })
    world.call(hog, 'compute', { us: 100 })
    expect(waiter.returned).toMatchObject({ value: { signal: 'SIGXCPU', pid: null } })
    expect(world.events.filter(({ type }) => type === 'threshold.acted')).toMatchObject([
      {
        subject: '/sys/proc/1/cpu-time',
        data: { threshold: '/sys/cpu-time/threshold/x', signal: 'SIGXCPU', pid: 1, sent: true },
      },
    ])
  })

  test('signals a thread where it watches threads, and may end the calling process', () => {
    const world = new World()
    const process = world.spawn('p')
    const main = world.thread(process)
    put(world, process, 'stack', { at: 10_000, per: 'thread', action: 'signal', signal: 'SIGTERM' })
    expect(world.machine.call(1, 1, { name: 'enter', args: { bytes: 9000 } })).toEqual({ returned: {} })
    expect(main.isDead).toBe(true)
    expect(world.takeEvents('process.died')).toEqual(['process.died /sys/proc/1'])
  })

  test('signals a process that is already past it when it is set', () => {
    const world = new World()
    const process = world.spawn('p')
    world.call(world.thread(process), 'ChannelCreate', {})
    put(world, process, 'channels', { at: 1, action: 'signal', signal: 'SIGKILL' })
    expect(world.machine.processes.find(1)).toBe(null)
  })

  test('with `for` signals only after the whole duration, and with `where` only matching processes', () => {
    const world = new World()
    const [hog, other] = [world.thread(world.spawn('hog')), world.thread(world.spawn('other'))]
    const where = { name: 'hog', uid: null, partition: null }
    put(world, world.kernel.system, 'channels', {
      ...{ at: 1, per: 'process', where, for: '10ms', action: 'signal', signal: 'SIGKILL' },
    })
    world.call(other, 'ChannelCreate', {})
    const { chid } = world.call(hog, 'ChannelCreate', {}) as { chid: number }
    world.pass(9)
    world.call(hog, 'ChannelDestroy', { chid })
    world.call(hog, 'ChannelCreate', {})
    world.pass(9)
    expect(world.machine.processes.find(1)).not.toBe(null)
    world.pass(1)
    expect([world.machine.processes.find(1), world.machine.processes.find(2)]).toEqual([null, other.parent])
    expect(world.takeEvents('threshold.')).toEqual([
      'threshold.tripped /sys/proc/1/channels',
      'threshold.cleared /sys/proc/1/channels died',
      'threshold.acted /sys/proc/1/channels',
    ])
  })

  test('signals the processes past it when its limit is switched on', () => {
    const world = new World()
    const { kernel } = world
    const process = world.spawn('p')
    const turn = (on: boolean) => kernel.update(kernel.now, () => kernel.notifier.switch(null, on))
    turn(false)
    put(world, process, 'channels', { at: 1, action: 'signal', signal: 'SIGKILL' })
    world.call(world.thread(process), 'ChannelCreate', {})
    expect(world.machine.processes.find(1)).toBe(process)
    turn(true)
    expect(world.machine.processes.find(1)).toBe(null)
  })

  test('triggers no other action, but emits the events of its consequences', () => {
    const world = new World()
    const [hog, parent] = [world.spawn('hog'), world.thread(world.spawn('parent'))]
    const { pid } = world.call(parent, 'spawn', { name: 'child' }) as { pid: number }
    world.call(parent, 'SignalAction', { signal: 'SIGCHLD', action: 'handle' })
    world.call(parent, 'SignalProcmask', { how: 'block', signals: ['SIGCHLD'] })
    const child = world.machine.processes.get(pid)
    put(world, parent.parent, 'signals', { at: 1, action: 'signal', signal: 'SIGKILL' })
    put(world, child, 'channels', { at: 1, action: 'signal', signal: 'SIGKILL' })
    world.call(world.thread(child), 'ChannelCreate', {})
    // The end of the child queued SIGCHLD at its parent and tripped the threshold there, which sends nothing.
    expect(world.machine.processes.find(pid)).toBe(null)
    expect(world.machine.processes.find(parent.parent.pid)).not.toBe(null)
    expect(world.takeEvents('threshold.tripped').at(-1)).toBe('threshold.tripped /sys/proc/2/signals')
    expect(world.machine.processes.find(hog.pid)).toBe(hog)
  })

  test('is refused by a full queue like any sender, and two events report it', () => {
    const world = new World()
    const process = world.spawn('p')
    const main = world.thread(process)
    world.call(main, 'SignalProcmask', { how: 'block', signals: ['SIGUSR1'] })
    put(world, process, 'signals', { at: 0 }, 'full')
    put(world, process, 'channels', { at: 1, action: 'signal', signal: 'SIGUSR1' })
    world.call(main, 'ChannelCreate', {})
    expect(denied(world)).toMatchObject([
      { subject: '/sys/proc/1/signals', data: { cause: '/sys/proc/1/channels/threshold/x', call: null } },
    ])
    expect(world.events.at(-1)).toMatchObject({ type: 'threshold.acted', data: { sent: false, errno: 'EAGAIN' } })
  })

  test('is refused on a sum over processes, because no single one is the offender', () => {
    const world = new World()
    const set = () => put(world, world.kernel.system, 'fds', { at: 1, action: 'signal', signal: 'SIGTERM' })
    expect(set).toThrow(KernelError)
    expect(set).toThrow('no one offender')
  })
})

test('a thread that has ended but is not joined can be watched until it is joined', () => {
  const world = new World()
  const process = world.spawn('p')
  const main = world.thread(process)
  const ended = world.more(process)
  world.call(ended, 'ThreadDestroy', {})
  put(world, process, 'stack', { at: 1, per: 'thread', action: 'notify' })
  expect(world.call(main, 'ThreadJoin', { tid: 2 })).toEqual({ tid: 2, status: 0 })
})
