/** Tests parsing messages of the kernel's proc connector, and building the request to listen. */

import { describe, expect, test } from 'vitest'
import { listenMessage, parseConnectorMessage, parseExitStatus } from '../../../../src/sources/linux/parse/connector.ts'
import { nameOfSignal } from '../../../../src/sources/linux/signals.ts'

const header = '4c00000003000000bf0900000000000001000000010000002a0000000000000028000000'
const messageOf = (kind: string, data: string) =>
  Buffer.from(`${header}${kind}01000000fcee98f83a020000${data}`.padEnd(152, '0'), 'hex')
const parse = (bytes: Buffer) => parseConnectorMessage(bytes, 0, bytes.length)
const common = { cpu: 1, sequence: 42, monotonicNs: 2452302130940 }

describe('a message of the proc connector', () => {
  test('is parsed as the answer to our request', () => {
    const bytes = Buffer.from(
      '4c00000003000000bf090000000000000100000001000000bf090000010000002800000000000000010000' +
        '00fcee98f83a020000000000000000000000000000000000000000000000000000',
      'hex',
    )
    expect(parse(bytes)).toEqual({
      what: 'acknowledged',
      token: 0,
      error: 0,
      cpu: 1,
      sequence: 2495,
      monotonicNs: 2452302130940,
    })
  })

  test('is parsed as the birth of a process', () => {
    expect(parse(messageOf('01000000', '0a0000000900000014000000' + '14000000'))).toEqual({
      what: 'fork',
      pid: 20,
      parent: 9,
      ...common,
    })
  })

  test('is parsed as the birth of a thread', () => {
    expect(parse(messageOf('01000000', '0a0000000900000015000000' + '14000000'))).toEqual({
      what: 'clone',
      pid: 20,
      tid: 21,
      ...common,
    })
  })

  test('is parsed as an execution, a new user or a new name', () => {
    expect(parse(messageOf('02000000', '1400000014000000'))).toEqual({ what: 'exec', pid: 20, ...common })
    expect(parse(messageOf('04000000', '1400000014000000e8030000e9030000'))).toMatchObject({ what: 'uid', uid: 1001 })
    expect(parse(messageOf('00020000', '150000001400000061ff6200000000000000000000000000'))).toMatchObject({
      what: 'name',
      pid: 20,
      tid: 21,
      name: 'a\\xffb',
    })
  })

  test('is parsed as an end with its status', () => {
    expect(parse(messageOf('00000080', '15000000140000000003000011000000'))).toEqual({
      what: 'exit',
      pid: 20,
      tid: 21,
      status: 0x300,
      ...common,
    })
  })

  test('has its sequence number even if its event is unused', () => {
    expect(parse(messageOf('00010000', '1400000014000000'))).toEqual({ what: 'other', ...common })
  })

  test('is rejected if it is truncated or of another kind', () => {
    const fork = messageOf('01000000', '0a00000009000000')
    expect(parseConnectorMessage(fork, 0, 40)).toBeNull()
    expect(parseConnectorMessage(fork, 0, 64)).toBeNull()
    fork.writeUInt32LE(2, 16)
    expect(parse(fork)).toBeNull()
  })

  test('a request has the form that the kernel accepts', () => {
    expect(listenMessage(7, true).toString('hex')).toBe(
      '2800000003000000000000000000000001000000010000000000000007000000' + '0400000001000000',
    )
  })
})

describe('a wait status', () => {
  test.each([
    [0, { code: 0, signal: null }],
    [0x300, { code: 3, signal: null }],
    [0xff00, { code: 255, signal: null }],
    [9, { code: null, signal: 'SIGKILL' }],
    [0x8b, { code: null, signal: 'SIGSEGV' }], // with a core
    [36, { code: null, signal: 'SIGRTMIN+2' }],
  ])('%i is %j', (status, end) => {
    expect(parseExitStatus(status)).toEqual(end)
  })

  test('a signal has its common name', () => {
    expect([6, 17, 29, 32, 34, 64].map(nameOfSignal)).toEqual([
      'SIGABRT',
      'SIGCHLD',
      'SIGIO',
      'SIG32',
      'SIGRTMIN',
      'SIGRTMIN+30',
    ])
  })
})
