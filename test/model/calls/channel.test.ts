/** Tests channels and connections of the model, and the end of a server. */

import { describe, expect, test } from 'vitest'
import { returned, state, World } from '../world.ts'

/** A server with two threads, one client that waits in REPLY and one that waits in SEND. */
function busy() {
  const world = new World()
  const process = world.spawn('server')
  const [server, other] = [world.thread(process), world.more(process)]
  const [replying, sending] = ['replying', 'sending'].map((name) => world.thread(world.spawn(name))) as [
    typeof server,
    typeof server,
  ]
  const { chid } = world.call(server, 'ChannelCreate', {}) as { chid: number }
  for (const client of [replying, sending]) {
    world.call(client, 'ConnectAttach', { pid: process.pid, chid })
    world.call(client, 'MsgSend', { coid: 1 })
    if (client === replying) world.call(server, 'MsgReceive', { chid })
  }
  expect([state(replying), state(sending)]).toEqual(['REPLY', 'SEND'])
  return { world, process, server, other, replying, sending, chid }
}

describe('the end of a channel', () => {
  test('wakes every SEND- or REPLY-blocked client and every receiver with ESRCH', () => {
    const { world, other, replying, sending, process, chid } = busy()
    const second = world.call(other, 'ChannelCreate', {}) as { chid: number }
    const receiver = world.more(process)
    world.call(receiver, 'MsgReceive', { chid: second.chid })
    expect(world.call(other, 'ChannelDestroy', { chid })).toEqual({})
    expect([replying, sending].map((client) => [state(client), returned(client)])).toEqual([
      ['READY', 'ESRCH'],
      ['READY', 'ESRCH'],
    ])
    expect(state(receiver)).toBe('RECEIVE')
    world.call(other, 'ChannelDestroy', { chid: second.chid })
    expect(returned(receiver)).toBe('ESRCH')
  })

  test('leaves unusable connections until they are detached, even if its chid is used again', () => {
    const { world, server, other, replying, chid } = busy()
    world.call(other, 'ChannelDestroy', { chid })
    expect(world.call(server, 'ChannelCreate', {})).toEqual({ chid })
    expect(world.call(replying, 'MsgSend', { coid: 1 })).toBe('EBADF')
    expect(world.call(replying, 'MsgSendPulse', { coid: 1, code: 1 })).toBe('EBADF')
    expect(world.usage(replying.parent, 'connections')).toBe(1)
    expect(world.call(replying, 'ConnectDetach', { coid: 1 })).toEqual({})
    expect(world.usage(replying.parent, 'connections')).toBe(0)
    expect(world.usage(world.kernel.system, 'server-ids')).toBe(0)
  })

  test('frees the entries of its pending pulses', () => {
    const { world, process, other, sending, chid } = busy()
    const client = world.thread(world.spawn('pulsing'))
    world.call(client, 'ConnectAttach', { pid: process.pid, chid })
    world.call(client, 'MsgSendPulse', { coid: 1, code: 1 })
    world.call(client, 'MsgSendPulse', { coid: 1, code: 2 })
    expect(world.usage(process, 'signals')).toBe(2)
    world.call(other, 'ChannelDestroy', { chid })
    expect(world.usage(process, 'signals')).toBe(0)
    expect(state(sending)).toBe('READY')
  })

  test('wakes every sender even if waking one changes the order of the others', () => {
    // The receiver sends to its own channel: its inherited priority changes while the senders are woken.
    const world = new World()
    const process = world.spawn('server')
    const [owner, receiver] = [world.thread(process), world.more(process, { priority: 5 })]
    const { chid } = world.call(owner, 'ChannelCreate', {}) as { chid: number }
    world.call(receiver, 'ConnectAttach', { pid: 0, chid })
    const clients = [20, 8, 7].map((priority) => world.thread(world.spawn('client', { thread: { priority } })))
    for (const client of clients) world.call(client, 'ConnectAttach', { pid: process.pid, chid })
    world.call(receiver, 'MsgSendPulse', { coid: 1, code: 1 })
    world.call(receiver, 'MsgReceive', { chid })
    world.call(receiver, 'MsgSend', { coid: 1 })
    for (const client of clients) world.call(client, 'MsgSend', { coid: 1 })
    expect(receiver.priority).toBe(20)
    world.call(owner, 'ChannelDestroy', { chid })
    expect([receiver, ...clients].map(returned)).toEqual(['ESRCH', 'ESRCH', 'ESRCH', 'ESRCH'])
    expect(receiver.priority).toBe(5)
  })

  test('needs a channel of the process', () => {
    const { world, replying, other, chid } = busy()
    expect(world.call(other, 'ChannelDestroy', { chid: 9 })).toBe('EINVAL')
    const stranger = world.thread(world.spawn('stranger'))
    expect(world.call(stranger, 'ChannelDestroy', { chid })).toBe('EINVAL')
    expect(state(replying)).toBe('REPLY')
  })
})

describe('the end of a server', () => {
  test('wakes its clients with ESRCH in SEND and in REPLY', () => {
    const { world, process, replying, sending } = busy()
    world.call(world.thread(world.spawn('killer')), 'kill', { pid: process.pid, signal: 'SIGKILL' })
    expect([replying, sending].map((client) => [state(client), returned(client)])).toEqual([
      ['READY', 'ESRCH'],
      ['READY', 'ESRCH'],
    ])
  })

  test('thread wakes only the clients whose messages it received, with ESRCH', () => {
    const { world, server, other, replying, sending, chid } = busy()
    world.call(other, 'ThreadDestroy', { tid: server.tid })
    expect(returned(replying)).toBe('ESRCH')
    expect(state(sending)).toBe('SEND')
    expect(world.call(other, 'MsgReceive', { chid })).toMatchObject({ pid: sending.parent.pid })
  })

  test('thread that received nothing wakes no client', () => {
    const { world, server, other, replying, sending } = busy()
    world.call(server, 'ThreadDestroy', { tid: other.tid })
    expect([replying, sending].map(state)).toEqual(['REPLY', 'SEND'])
  })
})

describe('a connection', () => {
  test('wakes its waiting threads with EBADF when detached, and not those of another to the same channel', () => {
    const world = new World()
    const server = world.thread(world.spawn('server'))
    const process = world.spawn('client')
    const threads = [world.thread(process), world.more(process), world.more(process), world.more(process)]
    const [first, second, third, other] = threads as [typeof server, typeof server, typeof server, typeof server]
    const { chid } = world.call(server, 'ChannelCreate', {}) as { chid: number }
    const attach = () => world.call(first, 'ConnectAttach', { pid: server.parent.pid, chid })
    expect([attach(), attach()]).toEqual([
      { coid: 1, scoid: 1 },
      { coid: 2, scoid: 1 },
    ])
    world.call(first, 'MsgSend', { coid: 1 })
    world.call(server, 'MsgReceive', { chid })
    world.call(second, 'MsgSend', { coid: 1 })
    world.call(third, 'MsgSend', { coid: 2 })
    expect(world.call(other, 'ConnectDetach', { coid: 1 })).toEqual({})
    expect([first, second].map(returned)).toEqual(['EBADF', 'EBADF'])
    expect(state(third)).toBe('SEND')
    expect(world.usage(server.parent, 'server-ids')).toBe(1)
    expect(world.call(server, 'MsgReply', { rcvid: 1 })).toBe('ESRCH')
    expect(world.call(other, 'ConnectDetach', { coid: 1 })).toBe('EINVAL')
    world.call(other, 'ConnectDetach', { coid: 2 })
    expect(returned(third)).toBe('EBADF')
    expect(world.usage(server.parent, 'server-ids')).toBe(0)
  })

  test('disappears when its process ends, with the server’s id for that client', () => {
    const { world, process, replying, sending } = busy()
    expect(world.usage(process, 'server-ids')).toBe(2)
    world.call(world.thread(world.spawn('killer')), 'kill', { pid: replying.parent.pid, signal: 'SIGKILL' })
    expect(world.usage(process, 'server-ids')).toBe(1)
    expect(process.received.size).toBe(0)
    expect(state(sending)).toBe('SEND')
  })

  test('needs an existing channel', () => {
    const { world, process, sending, chid } = busy()
    const client = world.thread(world.spawn('client'))
    expect(world.call(client, 'ConnectAttach', { pid: 99, chid })).toBe('ESRCH')
    expect(world.call(client, 'ConnectAttach', { pid: process.pid, chid: 9 })).toBe('ESRCH')
    expect(world.call(client, 'ConnectAttach', { pid: 0, chid })).toBe('ESRCH')
    expect(state(sending)).toBe('SEND')
  })

  test('is refused with EAGAIN if the client has no room for it, or the server no free id', () => {
    const { world, process, chid } = busy()
    const pool = world.machine.putPartition(['clients'], { connections: 1 })
    const client = world.thread(world.spawn('client', { container: pool }))
    expect(world.call(client, 'ConnectAttach', { pid: process.pid, chid })).toEqual({ coid: 1, scoid: 3 })
    expect(world.call(client, 'ConnectAttach', { pid: process.pid, chid })).toBe('EAGAIN')
    world.machine.move(process, world.machine.putPartition(['servers'], { 'server-ids': 3 }))
    const late = world.thread(world.spawn('late'))
    expect(world.call(late, 'ConnectAttach', { pid: process.pid, chid })).toBe('EAGAIN')
    world.machine.putPartition(['clients'], { connections: 2 })
    // The server already has an id for this client: a second connection takes no other one.
    expect(world.call(client, 'ConnectAttach', { pid: process.pid, chid })).toEqual({ coid: 2, scoid: 3 })
  })

  test('takes the lowest free coid and scoid', () => {
    const { world, process, chid } = busy()
    const client = world.thread(world.spawn('client'))
    const attach = (of = client) => world.call(of, 'ConnectAttach', { pid: process.pid, chid })
    attach()
    attach()
    world.call(client, 'ConnectDetach', { coid: 1 })
    expect(attach()).toEqual({ coid: 1, scoid: 3 })
    world.call(client, 'ConnectDetach', { coid: 1 })
    world.call(client, 'ConnectDetach', { coid: 2 })
    expect(attach(world.thread(world.spawn('next')))).toEqual({ coid: 1, scoid: 3 })
  })
})
