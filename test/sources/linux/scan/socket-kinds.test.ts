/** Classification of sockets: channels, server ids and connections. */

import { describe, expect, test } from 'vitest'
import type { TcpSocket, UnixSocket } from '../../../../src/sources/linux/parse/sock-diag.ts'
import { kindsOf, type SocketKind } from '../../../../src/sources/linux/scan/socket-kinds.ts'

const bytes = (text: string): string => Buffer.from(text, 'hex').toString('latin1')
const all4 = bytes('00000000')
const all6 = bytes('00'.repeat(16))
const one = bytes('7f000001')
const two = bytes('7f000002')
const oneIn6 = bytes(`${'00'.repeat(10)}ffff7f000001`)

const tcp = (inode: number, address: string, port: number, more: Partial<TcpSocket> = {}): TcpSocket => ({
  family: 'tcp',
  version: address.length === 4 ? 4 : 6,
  state: 'connected',
  inode,
  address,
  port,
  ...more,
})
const listens = { state: 'listening' } as const

const unix = (inode: number, more: Partial<UnixSocket> = {}): UnixSocket => ({
  family: 'unix',
  state: 'connected',
  inode,
  name: '',
  peer: 0,
  shut: false,
  ...more,
})

const kinds = (sockets: Parameters<typeof kindsOf>[0], former: Iterable<[number, SocketKind]> = []) =>
  Object.fromEntries(kindsOf(sockets, new Map(former)))

describe('TCP', () => {
  test('a listener is a channel, an accepted socket a server id, its peer a connection', () => {
    expect(kinds([tcp(1, one, 80, listens), tcp(2, one, 80), tcp(3, one, 40000)])).toEqual({
      1: 'channels',
      2: 'server-ids',
      3: 'connections',
    })
  })

  test('a listener on all addresses accepts on each', () => {
    expect(kinds([tcp(1, all4, 80, listens), tcp(2, two, 80)])).toMatchObject({ 2: 'server-ids' })
  })

  test('a client with the port of a listener on another address was not accepted', () => {
    expect(kinds([tcp(1, one, 80, listens), tcp(2, two, 80)])).toMatchObject({ 2: 'connections' })
  })

  test('an IPv6 listener accepts over IPv4 as IPv6; an IPv4 socket of its port is a client', () => {
    expect(kinds([tcp(1, all6, 80, listens), tcp(2, oneIn6, 80), tcp(3, one, 80)])).toMatchObject({
      2: 'server-ids',
      3: 'connections',
    })
  })

  test('a connection that is not accepted yet belongs to no process', () => {
    expect(kinds([tcp(1, one, 80, listens), tcp(0, one, 80)])).toEqual({ 1: 'channels' })
  })

  test('an accepted socket stays a server id when its listener is closed; without a former listing it is a connection', () => {
    expect(kinds([tcp(2, one, 80)], [[2, 'server-ids']])).toEqual({ 2: 'server-ids' })
    expect(kinds([tcp(2, one, 80)])).toEqual({ 2: 'connections' })
  })
})

describe('unix', () => {
  test.each(['/run/service.sock', '\0abstract'])(
    'a listener at %j, its accepted socket and its client have their kinds',
    (name) => {
      const listener = unix(1, { ...listens, name })
      expect(kinds([listener, unix(2, { name, peer: 3 }), unix(3, { peer: 2 })])).toEqual({
        1: 'channels',
        2: 'server-ids',
        3: 'connections',
      })
    },
  )

  test('an accepted socket is recognised by its name although its listener is gone', () => {
    expect(kinds([unix(2, { name: '/s', peer: 3 }), unix(3, { peer: 2 })])).toEqual({
      2: 'server-ids',
      3: 'connections',
    })
  })

  test('a client that has a name of its own is a connection', () => {
    const listener = unix(1, { ...listens, name: '/s' })
    expect(kinds([listener, unix(2, { name: '/s', peer: 3 }), unix(3, { name: '/c', peer: 2 })])).toMatchObject({
      2: 'server-ids',
      3: 'connections',
    })
  })

  test('a client that waits to be accepted is a connection', () => {
    expect(kinds([unix(1, { ...listens, name: '/s' }), unix(3), unix(0, { name: '/s', peer: 3 })])).toEqual({
      1: 'channels',
      3: 'connections',
    })
  })

  test('a client of a server in another namespace is a connection', () => {
    expect(kinds([unix(3, { peer: 99 })])).toEqual({ 3: 'connections' })
  })

  test('the ends of a socketpair have no kind, even when one of them is gone', () => {
    expect(kinds([unix(5, { peer: 6 }), unix(6, { peer: 5 })])).toEqual({})
    expect(kinds([unix(5, { shut: true })])).toEqual({})
  })

  test('a client does not change its kind when its server is gone', () => {
    expect(kinds([unix(3, { shut: true })], [[3, 'connections']])).toEqual({ 3: 'connections' })
  })
})
