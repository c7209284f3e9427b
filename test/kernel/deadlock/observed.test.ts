/** Waits that a source has seen, all of a report at one instant. */

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

/** One report: what each of these waits for now. */
function report(...waits: readonly (readonly [SeenThread, Wait | null])[]): void {
  bench.at(() => {
    for (const [thread, wait] of waits) {
      thread.seen = wait
      bench.kernel.deadlocks.blocked(thread, 'observed')
    }
  })
}

const told = () =>
  bench.events
    .splice(0)
    .filter(({ type }) => type.startsWith('deadlock.'))
    .map(({ type, data }) => ({ type, ...data }))

describe('a report', () => {
  test('closes a ring whose edges are all in it, once; nobody can say which of them closed it', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    const ring = [
      [one, mutexOf(two)],
      [two, mutexOf(three)],
      [three, mutexOf(one)],
    ] as const
    report(...ring)
    expect(told()).toEqual([
      expect.objectContaining({
        type: 'deadlock.detected',
        closing: { what: 'observed', thread: null, state: null, call: null },
        members: [1, 2, 3].map((tid) => expect.objectContaining({ path: `/sys/proc/42/thread/${tid}` })),
      }),
    ])
    report(...ring)
    expect(told()).toEqual([])
  })

  test('of waits that end and begin at once sees only what is there after it', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)])
    // In between there would be a ring.
    report([two, mutexOf(one)], [one, mutexOf(three)])
    expect(told()).toEqual([])
    report([three, mutexOf(one)], [one, null])
    expect(told()).toEqual([])
  })

  test('that a member waits no more resolves it', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one)])
    told()
    report([one, null])
    expect(told()).toEqual([
      expect.objectContaining({
        type: 'deadlock.resolved',
        how: 'changed',
        thread: one.path,
        was: 'detected',
        stuck: [],
      }),
    ])
  })

  test('of the end of a member resolves it, and nobody who waited for that is stuck until it is seen again', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one)])
    told()
    bench.at(() => threadEnded(bench.kernel, one))
    expect(told()).toEqual([expect.objectContaining({ type: 'deadlock.resolved', how: 'ended', stuck: [] })])
    report([two, { ...mutexOf(one), releaser: null } as Wait])
    expect(told()).toEqual([expect.objectContaining({ type: 'deadlock.orphaned' })])
  })
})

describe('weak evidence', () => {
  test.each(['rwlock-writer', 'pi-stack'] as const)(
    'of a %s is suspected with that reason, never detected',
    (evidence) => {
      const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
      report([one, mutexOf(two)], [two, mutexOf(one, evidence)], [three, mutexOf(one)])
      expect(told()).toEqual([
        expect.objectContaining({
          type: 'deadlock.suspected',
          reason: evidence,
          victims: [expect.objectContaining({ path: three.path })],
        }),
      ])
      expect(threads.some((thread) => bench.kernel.deadlocks.isStuckThread(thread))).toBe(false)
    },
  )

  test('of a mutex that its thread has itself is proof once no thread of the process can run', () => {
    const [one, two, three] = threads as [SeenThread, SeenThread, SeenThread]
    const own: Wait = { ...mutexOf(one, 'own-mutex'), anyOf: one.parent } as Wait
    report([one, own])
    expect(told()).toEqual([expect.objectContaining({ type: 'deadlock.suspected', reason: 'own-mutex' })])
    report([two, mutexOf(one)])
    expect(told()).toEqual([])
    report([three, mutexOf(two)])
    expect(told().map(({ type }) => type)).toEqual(['deadlock.detected', 'deadlock.resolved'])
  })

  test('that turns into proof is a deadlock, and the suspicion is over', () => {
    const [one, two] = threads as [SeenThread, SeenThread, SeenThread]
    report([one, mutexOf(two)], [two, mutexOf(one, 'pi-stack')])
    told()
    report([two, mutexOf(one)])
    expect(told().map((event) => [event.type, 'how' in event ? event.how : undefined])).toEqual([
      ['deadlock.detected', undefined],
      ['deadlock.resolved', 'proven'],
    ])
  })
})

describe('a closed set', () => {
  const close = (isClosed: boolean) =>
    bench.at(() => bench.kernel.deadlocks.closedSet(bench.kernel.process(42), isClosed))

  test('is suspected once, with all threads, until its source says otherwise', () => {
    close(true)
    close(true)
    expect(told()).toEqual([
      expect.objectContaining({
        type: 'deadlock.suspected',
        reason: 'closed-set',
        members: Array(3).fill(expect.anything()),
      }),
    ])
    close(false)
    close(false)
    expect(told()).toEqual([expect.objectContaining({ type: 'deadlock.resolved', how: 'changed', was: 'suspected' })])
  })

  test('is over when its process ends', () => {
    close(true)
    told()
    bench.at(() => processEnded(bench.kernel, bench.kernel.process(42), { code: 0, signal: null }))
    expect(told()).toEqual([expect.objectContaining({ type: 'deadlock.resolved', how: 'ended' })])
    expect(bench.kernel.deadlocks.all()).toEqual([])
  })
})
