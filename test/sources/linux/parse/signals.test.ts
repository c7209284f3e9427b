/** Parsing of pending and caught signals in `/proc/P/status`. */

import { describe, expect, test } from 'vitest'
import { handlesSignals, parsePendingSignals } from '../../../../src/sources/linux/parse/signals.ts'

const none = '0000000000000000'
const status = ({ own = none, shared = none, queued = '0/63432' }) =>
  `Name:\tdemo\nThreads:\t1\nSigQ:\t${queued}\nSigPnd:\t${own}\nShdPnd:\t${shared}\nSigBlk:\tffffffffffffffff\n`

describe('pending signals', () => {
  test('are none when both masks are empty', () => {
    expect(parsePendingSignals(status({}))).toEqual({
      ofThread: 0,
      ofProcess: 0,
      ofThreadQueue: false,
      ofProcessQueue: false,
      ofUser: 0,
    })
  })

  test('do not queue for the standard signals up to 31', () => {
    // SIGUSR2 (12) of the thread; SIGHUP (1) and SIGSYS (31) of the process.
    const text = status({ own: '0000000000000800', shared: '0000000040000001', queued: '3/63432' })
    expect(parsePendingSignals(text)).toEqual({
      ofThread: 1,
      ofProcess: 2,
      ofThreadQueue: false,
      ofProcessQueue: false,
      ofUser: 3,
    })
  })

  test.each([
    ['32, the first that queues', '0000000080000000'],
    ['34, SIGRTMIN of the C library', '0000000200000000'],
    ['64, the last', '8000000000000000'],
  ])('are marked as queueing for %s', (_, mask) => {
    expect(parsePendingSignals(status({ own: mask }))).toMatchObject({ ofThread: 1, ofThreadQueue: true })
    expect(parsePendingSignals(status({ shared: mask }))).toMatchObject({ ofProcess: 1, ofProcessQueue: true })
  })

  test('can be of 64 kinds', () => {
    expect(parsePendingSignals(status({ shared: 'ffffffffffffffff' }))).toMatchObject({ ofProcess: 64 })
  })

  test('have no total for the user when the line is absent', () => {
    expect(parsePendingSignals(status({}).replace(/SigQ.*\n/, ''))).toMatchObject({ ofUser: null })
  })

  test.each([/SigPnd.*\n/, /ShdPnd.*\n/])('are unknown without %s', (line) => {
    expect(parsePendingSignals(status({}).replace(line, ''))).toBeNull()
  })

  test.each(['00000000', 'zzzzzzzzzzzzzzzz', ''])('are unknown for the mask %j', (own) => {
    expect(parsePendingSignals(status({ own }))).toBeNull()
  })
})

test.each([
  ['none', '0000000000000000', false],
  ['those of the C library, 32 to 34', '0000000380000000', false],
  ['SIGTERM', '0000000380004000', true],
  ['SIGSEGV and SIGBUS, as every program in Rust', '0000000000000440', false],
  ['all signals of faults', '00000000400004d8', false],
  ['SIGSEGV and SIGALRM', '0000000000002400', true],
  ['SIGKILL’s neighbours SIGUSR1 and SIGUSR2', '0000000000000a00', true],
  ['a real-time signal, 35', '0000000400000000', true],
])('a program that catches %s', (_, mask, handles) => {
  expect(handlesSignals(`Name:\tdemo\nSigCgt:\t${mask}\n`)).toBe(handles)
})

test('it is unknown whether signals are caught when the line is absent', () => {
  expect(handlesSignals('Name:\tdemo\n')).toBeNull()
})
