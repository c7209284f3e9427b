/** Classification of threads from Linux's readings. */

import { describe, expect, test } from 'vitest'
import { blockingCallsOf } from '../../../../src/sources/linux/parse/blocking-calls.ts'
import { emptySystemCall, parseSyscall } from '../../../../src/sources/linux/parse/syscall.ts'
import { classifyThread } from '../../../../src/sources/linux/scan/thread-state.ts'

const callOf = (text: string) => {
  const call = emptySystemCall()
  const bytes = Buffer.from(text)
  if (!parseSyscall(bytes, bytes.length, call)) throw new Error(`not a syscall: ${text}`)
  return call
}
const inside = (number: number, first = '0x3', second = '0x0') =>
  callOf(`${number} ${first} ${second} 0x0 0x0 0x0 0x0 0x7ffe76faccb8 0x7f5ed0ebdbd3\n`)

const classify = (letter: string, call: ReturnType<typeof callOf> | string = callOf('running\n'), arch = 'x64') =>
  classifyThread({ letter, kernelThread: false, call, arch })

describe('the state of a thread', () => {
  test.each([
    ['R', 'RUNNING', false],
    ['D', 'WAITPAGE', false],
    ['T', 'STOPPED', true],
    ['t', 'STOPPED', true],
    ['Z', 'DEAD', true],
    ['X', 'DEAD', true],
  ])('%s is %s', (letter, state, certain) => {
    expect(classify(letter)).toMatchObject({ state, certain })
  })

  test.each([
    [0, 'RECEIVE', { call: 'read', fd: 3 }],
    [43, 'RECEIVE', { call: 'accept', fd: 3 }],
    [7, 'RECEIVE', { call: 'poll' }],
    [281, 'RECEIVE', { call: 'epoll_pwait', fd: 3 }],
    [61, 'RECEIVE', { call: 'wait4' }],
    [1, 'SEND', { call: 'write', fd: 3 }],
    [42, 'SEND', { call: 'connect', fd: 3 }],
    [73, 'SEND', { call: 'flock', fd: 3 }],
    [230, 'NANOSLEEP', { call: 'clock_nanosleep' }],
    [34, 'SIGSUSPEND', { call: 'pause' }],
    [128, 'SIGWAITINFO', { call: 'rt_sigtimedwait' }],
    [220, 'SEM', { call: 'semtimedop' }],
  ])('asleep in system call %i of x86-64 is %s', (number, state, on) => {
    expect(classify('S', inside(number))).toEqual({ state, on, certain: true, why: null, blocked: true })
  })

  test('without registers of the program it is a worker of the kernel, whatever call created it', () => {
    const call = callOf('202 0x8 0x80 0x2 0x0 0x0 0x0 0x0 0x0\n')
    expect(classify('S', call)).toMatchObject({ state: null, why: expect.stringContaining('works for the kernel') })
    expect(classify('S', call)).not.toHaveProperty('isFutex')
  })

  test('the same number is another call on arm64', () => {
    expect(classify('S', inside(63), 'arm64')).toMatchObject({ state: 'RECEIVE', on: { call: 'read', fd: 3 } })
    expect(classify('S', inside(63))).toMatchObject({ state: null, why: 'sleeps in system call 63' })
  })

  test.each([
    ['FUTEX_LOCK_PI', '0x6'],
    ['FUTEX_LOCK_PI, private', '0x86'],
    ['FUTEX_LOCK_PI2, private', '0x8d'],
  ])('%s is certainly a mutex', (_, operation) => {
    expect(classify('S', inside(202, '0x7f0055749c88', operation))).toMatchObject({
      state: 'MUTEX',
      on: { call: 'futex', address: '0x7f0055749c88' },
      certain: true,
    })
  })

  test.each([
    ['FUTEX_WAIT', '0x0'],
    ['FUTEX_WAIT, private', '0x80'],
    ['FUTEX_WAIT_BITSET, real time', '0x189'],
  ])('%s is uncertain and says between which states', (_, operation) => {
    expect(classify('S', inside(202, '0x7f0055749c88', operation))).toMatchObject({ state: 'CONDVAR', certain: false })
    expect(classify('S', inside(98, '0x7f0055749c88', operation), 'arm64')).toMatchObject({ state: 'CONDVAR' })
  })

  test.each([
    ['vfork', inside(58), 'x64', null],
    ['clone that waits for its child', inside(56, '0x4111'), 'x64', null],
    ['the same on another architecture', inside(220, '0x4111'), 'arm64', null],
    ['clone that does not', inside(56, '0x3d0f00'), 'x64', 'WAITPAGE'],
    ['clone3, whose flags are in memory', inside(435), 'x64', null],
    ['read', inside(0), 'x64', 'WAITPAGE'],
  ])('an uninterruptible sleep is never certainly one for memory: in %s', (_, call, arch, state) => {
    expect(classify('D', call, arch)).toMatchObject({ state, certain: false, why: expect.any(String) })
  })

  test('an unknown state is null with the reason', () => {
    expect(classify('S', 'permission denied')).toMatchObject({ state: null, why: 'permission denied' })
    expect(classify('S', inside(0), 's390x')).toMatchObject({
      state: null,
      why: 'the system calls of s390x are not known',
    })
    expect(classify('S', callOf('-1 0x7ffe76faccb8 0x7f5ed0ebdbd3'))).toMatchObject({
      why: 'sleeps outside a system call',
    })
    expect(classify('S')).toMatchObject({ state: null, blocked: false })
    expect(classify('P')).toMatchObject({ state: null, why: 'the kernel reports the unknown state P' })
    const kernelThread = classifyThread({ letter: 'I', kernelThread: true, call: '', arch: 'x64' })
    expect(kernelThread).toMatchObject({ state: null, why: 'kernel thread: no system call shows what it waits for' })
  })

  test('the call of a 32-bit program is not guessed, because its numbers differ', () => {
    const call = callOf('240 0x3 0x0 0x0 0x0 0x0 0x0 0xffacb8 0xf7e10549\n')
    expect(classify('S', call)).toMatchObject({ state: null, why: expect.stringContaining('32-bit') })
  })

  test('no two calls of an architecture have the same number', () => {
    expect(blockingCallsOf('x64')?.size).toBe(47)
    expect(blockingCallsOf('arm64')?.size).toBe(43)
  })
})
