/** A scan without privileges: readings of another user's process fail with a reason. */

import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scannedIndex, type ThreadFacts, type Unreadable } from '../../../../src/sources/linux/protocol.ts'
import { startForTest } from '../../../support/running.ts'
import { within } from '../../../support/until.ts'

interface Printed {
  readonly type: string
  readonly threads: readonly ThreadFacts[]
  readonly unreadable: readonly Unreadable[]
  readonly values: readonly (readonly number[])[]
}

const permissionDenied = 'permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH'
const nobody = 65534
// The first process belongs to another user than the scanner, whichever user runs the tests.
const asOther = process.geteuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
const script = new URL('print-scans.ts', import.meta.url).pathname
const child = spawn(process.execPath, [script], { ...asOther, stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
const scans: Printed[] = []

const nextScan = async (): Promise<Printed> => {
  for (;;) {
    const { value, done } = await within(lines.next(), () => scans.at(-1), { what: 'the scanner prints a line' })
    if (done) throw new Error('the scanner ended')
    const message: Printed = JSON.parse(value)
    if (message.type === 'scan') return message
  }
}

beforeAll(async () => {
  for (let count = 0; count < 5; count++) scans.push(await nextScan())
})
afterAll(async () => {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.stdin.end()
  await ended
})

describe("another user's process", () => {
  test('has a state that is unknown, with the reason', () => {
    const thread = scans[0]?.threads.find(({ tid }) => tid === 1)
    expect(thread).toMatchObject({ state: null, on: null, certain: false, why: permissionDenied })
  })

  test('has an unreadable stack, reported once and never with a value', () => {
    const rows = scans.flatMap(({ unreadable }) => unreadable).filter(({ pid, tid }) => pid === 1 && tid === 1)
    expect(rows.filter(({ limit }) => limit === 'stack')).toEqual([
      { pid: 1, tid: 1, limit: 'stack', reason: permissionDenied },
    ])
    const values = scans.flatMap((scan) => scan.values).filter(([pid]) => pid === 1)
    expect(values.some(([, , index]) => index === scannedIndex.stack)).toBe(false)
  })

  test('still has the values that every user may read', () => {
    const memory = scans[0]?.values.find(([pid, tid, index]) => pid === 1 && tid === 0 && index === scannedIndex.memory)
    expect(memory?.[3]).toBeGreaterThan(0)
  })
})

test.runIf(process.geteuid?.() === 0)('a thread of another user hides nothing of the other threads', async () => {
  const program = await startForTest('odd-user')
  const [main, odd, later] = (await program.line()).split(' ').map(Number)
  const facts = new Map<number, ThreadFacts>()
  while ([main, odd, later].some((tid) => !facts.has(tid!)))
    for (const thread of (await nextScan()).threads) facts.set(thread.tid, thread)
  expect(facts.get(main!)).toMatchObject({ state: 'RECEIVE', certain: true })
  expect(facts.get(odd!)).toMatchObject({ state: null, why: permissionDenied })
  expect(facts.get(later!)).toMatchObject({ state: 'SIGSUSPEND', certain: true })
})
