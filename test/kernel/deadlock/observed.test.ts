/** Detection of deadlocks from waits that a source observes. All waits of one report change at one instant. */

import { beforeEach, describe, expect, test } from 'vitest'
import { Thread } from '../../../src/kernel/nodes/thread.ts'
import type { Wait, WeakEvidence } from '../../../src/kernel/nodes/wait.ts'
import { processEnded, threadEnded, threadEntered } from '../../../src/kernel/observations.ts'
import { Bench } from '../support.ts'

class SeenThread extends Thread {
  seen: Wait | null = null

  override get wait(): Wait | null {
    return this.seen
  }
}

let bench: Bench
let threads: SeenThread[]

beforeEach(() => {
  bench = new Bench()
  const process = bench.process(42)
  threads = [1, 2, 3].map((tid) => new SeenThread(process, { tid, name: `t${tid}`, since: 0 }))
  bench.at(() => {
    for (const thread of threads) threadEntered(bench.kernel, thread)
  })
  bench.events = []
})

const mutexOf = (owner: Thread, evidence: WeakEvidence | null = null): Wait => ({
  state: 'MUTEX',
  object: `0x${owner.tid}`,
  evidence,
  releaser: owner,
  owner: owner.path,
})

/** Delivers one report: the current wait of each of these threads. */
function report(...waits: readonly (readonly [SeenThread, Wait | null])[]): void {
  bench.at(() => {
    for (const [thread, wait] of waits) {
      thread.seen = wait
      bench.kernel.deadlocks.blocked(thread, 'observed')
    }
  })
}

const takeDeadlockEvents = () =>
  bench.events
    .splice(0)
    .filter(({ type }) => type.startsWith('deadlock.'))
    .map(({ type, data }) => ({ type, ...data }))

describe('a report', () => {
  test('closes a ring whose waits are all in it, once, and names no closing thread', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    const ring = [
      [one, mutexOf(two)],
      [two, mutexOf(three)],
      [three, mutexOf(one)],
    ] as const
    report(...ring)
    expect(takeDeadlockEvents()).toEqual([
      expect.objectContaining({
        type: 'deadlock.detected',
        closing: { what: 'observed', thread: null, state: null, call: null },
        members: [1, 2, 3].map((tid) => expect.objectContaining({ path: `/sys/proc/42/thread/${tid}` })),
      }),
    ])
    report(...ring)
    expect(takeDeadlockEvents()).toEqual([])
  })

  test('with waits that end and begin together is judged only by its result', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)])
    // Applied one by one, these changes would form a ring in between.
    report([two, mutexOf(one)], [one, mutexOf(three)])
    expect(takeDeadlockEvents()).toEqual([])
    report([three, mutexOf(one)], [one, null])
    expect(takeDeadlockEvents()).toEqual([])
  })

  test('resolves a deadlock when a member waits no more', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one)])
    takeDeadlockEvents()
    report([one, null])
    expect(takeDeadlockEvents()).toEqual([
      expect.objectContaining({
        type: 'deadlock.resolved',
        how: 'changed',
        thread: one.path,
        was: 'detected',
        stuck: [],
      }),
    ])
  })

  test('makes the waiter for an ended member an orphan; the end itself only resolves the deadlock', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one)])
    takeDeadlockEvents()
    bench.at(() => threadEnded(bench.kernel, one))
    expect(takeDeadlockEvents()).toEqual([
      expect.objectContaining({ type: 'deadlock.resolved', how: 'ended', stuck: [] }),
    ])
    report([two, { ...mutexOf(one), releaser: null } as Wait])
    expect(takeDeadlockEvents()).toEqual([expect.objectContaining({ type: 'deadlock.orphaned' })])
  })
})

describe('weak evidence', () => {
  test.each(['rwlock-writer', 'pi-stack'] as const)(
    'from a %s leads to a suspicion with that reason, never to a detection',
    (evidence) => {
      const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
      report([one, mutexOf(two)], [two, mutexOf(one, evidence)], [three, mutexOf(one)])
      expect(takeDeadlockEvents()).toEqual([
        expect.objectContaining({
          type: 'deadlock.suspected',
          reason: evidence,
          victims: [expect.objectContaining({ path: three.path })],
        }),
      ])
      expect(threads.some((thread) => bench.kernel.deadlocks.isStuckThread(thread))).toBe(false)
    },
  )

  test('from a thread’s own mutex becomes proof once no thread of the process can run', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    const own: Wait = { ...mutexOf(one, 'own-mutex'), anyOf: one.parent } as Wait
    report([one, own])
    expect(takeDeadlockEvents()).toEqual([expect.objectContaining({ type: 'deadlock.suspected', reason: 'own-mutex' })])
    report([two, mutexOf(one)])
    expect(takeDeadlockEvents()).toEqual([])
    report([three, mutexOf(two)])
    expect(takeDeadlockEvents().map(({ type }) => type)).toEqual(['deadlock.detected', 'deadlock.resolved'])
  })

  test('becoming proof turns the suspicion into a deadlock', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one, 'pi-stack')])
    takeDeadlockEvents()
    report([two, mutexOf(one)])
    expect(takeDeadlockEvents().map((event) => [event.type, 'how' in event ? event.how : undefined])).toEqual([
      ['deadlock.detected', undefined],
      ['deadlock.resolved', 'proven'],
    ])
  })
})

describe('a closed set', () => {
  const close = (isClosed: boolean) =>
    bench.at(() => bench.kernel.deadlocks.closedSet(bench.kernel.process(42), isClosed))

  test('is suspected once, with all its threads, until the source withdraws it', () => {
    close(true)
    close(true)
    expect(takeDeadlockEvents()).toEqual([
      expect.objectContaining({
        type: 'deadlock.suspected',
        reason: 'closed-set',
        members: Array(3).fill(expect.anything()),
      }),
    ])
    close(false)
    close(false)
    expect(takeDeadlockEvents()).toEqual([
      expect.objectContaining({ type: 'deadlock.resolved', how: 'changed', was: 'suspected' }),
    ])
  })

  test('is resolved when its process ends', () => {
    close(true)
    takeDeadlockEvents()
    bench.at(() => processEnded(bench.kernel, bench.kernel.process(42), { code: 0, signal: null }))
    expect(takeDeadlockEvents()).toEqual([expect.objectContaining({ type: 'deadlock.resolved', how: 'ended' })])
    expect(bench.kernel.deadlocks.all()).toEqual([])
  })
})
