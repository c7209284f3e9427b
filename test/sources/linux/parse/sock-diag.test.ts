/** The messages are as Linux 6.18 sent them, in a network namespace of its own. */

import { describe, expect, test } from 'vitest'
import {
  dumpRequest,
  parseDump,
  type Socket,
  type SocketFamily,
} from '../../../../src/sources/linux/parse/sock-diag.ts'

const listening4 =
  '7c00000012000200070000000f110000020a00001f9000007f000001000000000000000000000000000000000000000000000000000000000' +
  '0000000cafc0000000000000000000001000000030000000000000036730b00050008000000000008000f00000000000c0015000100000000' +
  '0000000600160052000000'
const listening6 =
  '8400000012000200070000000f1100000a0a0000238200000000000000000000000000000000000000000000000000000000000000000000000' +
  '00000c9fc0000000000000000000000000000030000000000000037730b00050008000000000005000b000000000008000f00000000000c0015' +
  '0001000000000000000600160012000000'
const accepted4 =
  '7c00000012000200070000000f110000020100001f909c407f0000010000000000000000000000007f000001000000000000000000000000000' +
  '00000d0fc0000000000000000000000000000000000000000000039730b00050008000000000008000f00000000000c00150001000000000000' +
  '000600160052000000'
const accepted6 =
  '7c00000012000200070000000f1100000a01000023829c4100000000000000000000ffff7f00000100000000000000000000ffff7f000001000' +
  '00000ccfc000000000000000000000000000000000000000000003b730b00050008000000000008000f00000000000c00150001000000000000' +
  '000600160012000000'
const waitsToBeAccepted =
  '7c00000012000200070000000f110000020100001f909c427f0000010000000000000000000000007f000001000000000000000000000000000' +
  '00000cbfc0000000000000000000000000000000000000000000000000000050008000000000008000f00000000000c00150001000000000000' +
  '000600160052000000'
const unixListener =
  '3c00000014000200070000000f11000001010a003e730b00d3fc000000000000120000002f746d702f6361702e736f636b000000050006000000' +
  '0000'
const unixAbstract = '3000000014000200070000000f11000001050a003f730b00dafc00000000000008000000006162730500060000000000'
const unixAccepted =
  '4400000014000200070000000f1100000101010041730b00d6fc000000000000120000002f746d702f6361702e736f636b000000080002004073' +
  '0b000500060000000000'
const unixClient = '3000000014000200070000000f1100000101010040730b00d8fc0000000000000800020041730b000500060000000000'
const unixAlone = '3000000014000200070000000f1100000101010045730b00d5fc00000000000008000200000000000500060003000000'
const unixDatagram = '3000000014000200070000000f1100000102010048730b00d4fc0000000000000800020047730b000500060000000000'
const done = '1400000003000200070000000f11000000000000'

function parse(family: SocketFamily, ...messages: readonly string[]) {
  const bytes = Buffer.from(messages.join(''), 'hex')
  const sockets: Socket[] = []
  const part = parseDump(bytes, bytes.length, { family, sequence: 7 }, (socket) => sockets.push(socket))
  return { part, sockets }
}

const loopback = Buffer.from('7f000001', 'hex').toString('latin1')
const loopbackIn6 = Buffer.from(`${'00'.repeat(10)}ffff7f000001`, 'hex').toString('latin1')

describe('a dump of TCP sockets', () => {
  test('has listeners and connections of IPv4 and IPv6, and ends', () => {
    const { part, sockets } = parse('tcp', listening6, listening4, accepted4, accepted6, waitsToBeAccepted, done)
    expect(part).toEqual({ end: 'done' })
    const tcp = { family: 'tcp' }
    expect(sockets).toEqual([
      { ...tcp, version: 6, inode: 750391, state: 'listening', address: '\0'.repeat(16), port: 9090 },
      { ...tcp, version: 4, inode: 750390, state: 'listening', address: loopback, port: 8080 },
      { ...tcp, version: 4, inode: 750393, state: 'connected', address: loopback, port: 8080 },
      { ...tcp, version: 6, inode: 750395, state: 'connected', address: loopbackIn6, port: 9090 },
      { ...tcp, version: 4, inode: 0, state: 'connected', address: loopback, port: 8080 },
    ])
  })

  test.each([
    ['SYN_SENT', '02'],
    ['SYN_RECV', '03'],
    ['TIME_WAIT', '06'],
    ['CLOSE', '07'],
  ])('omits sockets in the state %s', (_, state) => {
    expect(parse('tcp', accepted4.replace('0201', `02${state}`), done).sockets).toEqual([])
  })

  test.each([
    ['FIN_WAIT1', '04'],
    ['FIN_WAIT2', '05'],
    ['CLOSE_WAIT', '08'],
    ['LAST_ACK', '09'],
    ['CLOSING', '0b'],
  ])('has sockets in the state %s as connected', (_, state) => {
    expect(parse('tcp', accepted4.replace('0201', `02${state}`)).sockets).toMatchObject([{ state: 'connected' }])
  })
})

describe('a dump of unix sockets', () => {
  test('has paths, abstract names, peers, and whether the other end is gone', () => {
    const { sockets } = parse('unix', unixListener, unixAbstract, unixAccepted, unixClient, unixAlone, done)
    const unix = { family: 'unix', name: '', peer: 0, shut: false }
    expect(sockets).toEqual([
      { ...unix, inode: 750398, state: 'listening', name: '/tmp/cap.sock\0' },
      { ...unix, inode: 750399, state: 'listening', name: '\0abs' },
      { ...unix, inode: 750401, state: 'connected', name: '/tmp/cap.sock\0', peer: 750400 },
      { ...unix, inode: 750400, state: 'connected', peer: 750401 },
      { ...unix, inode: 750405, state: 'connected', shut: true },
    ])
  })

  test('leaves datagrams out: they have no connections, though the kernel calls them connected', () => {
    expect(parse('unix', unixDatagram, done).sockets).toEqual([])
  })
})

describe('a dump', () => {
  test('has more to come until its end', () => {
    expect(parse('tcp', accepted4).part).toEqual({ end: 'more' })
  })

  test('gives the whole messages when it is cut off within one', () => {
    expect(parse('tcp', accepted4, accepted6.slice(0, 100))).toMatchObject({ part: { end: 'more' }, sockets: [{}] })
  })

  test('is ignored when it was abandoned and arrives late', () => {
    const late = (message: string) => message.replace('0200070000', '0200060000')
    expect(parse('tcp', late(accepted4), late(done), accepted6)).toMatchObject({
      part: { end: 'more' },
      sockets: [{ port: 9090 }],
    })
  })

  test('has the error when the kernel refuses', () => {
    const refusal = `2400000002000000070000000f110000feffffff4c0000001200010307000000${'00'.repeat(4)}`
    expect(parse('tcp', refusal).part).toEqual({ end: 'failed', errno: 2 })
  })

  test('is requested with the wanted states', () => {
    expect(dumpRequest('tcp', 7).toString('hex')).toBe(
      `4c0000001200010307000000000000000200${'00'.repeat(50)}320f000000000000`,
    )
    expect(dumpRequest('unix', 7).toString('hex')).toBe(
      '2800000014000103070000000000000001000000320f000000000000050000000000000000000000',
    )
  })
})
