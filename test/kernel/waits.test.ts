/** Waits that a source observed: each report replaces the last, and waits end with their threads. */

import { beforeEach, expect, test } from 'vitest'
import type { Process } from '../../src/kernel/nodes/process.ts'
import type { Thread } from '../../src/kernel/nodes/thread.ts'
import type { ThreadWait } from '../../src/kernel/nodes/wait.ts'
import * as seen from '../../src/kernel/observations.ts'
import { closedSetsObserved, waitsObserved } from '../../src/kernel/observed-waits.ts'
import { Bench } from './support.ts'

let bench: Bench
let process: Process
let one: Thread
let other: Thread

beforeEach(() => {
  bench = new Bench()
  process = bench.process(42)
  one = bench.thread(process, 42)
  other = bench.thread(process, 43)
})

const waitFor = (releaser: Thread | null, state: 'MUTEX' | 'JOIN' = 'MUTEX'): ThreadWait => ({
  state,
  object: state === 'JOIN' ? releaser!.path : '0x55d0c0a8',
  evidence: null,
  releaser,
  owner: releaser?.path ?? '/sys/proc/42/thread/99',
})

const observe = (...waits: readonly (readonly [Thread, ThreadWait])[]) =>
  bench.at(() => waitsObserved(bench.kernel, new Map(waits)))

test('a thread waits for what was last observed, and shows it as the model does', () => {
  observe([one, waitFor(other)])
  expect(one.wait).toEqual(waitFor(other))
  expect(one.waitsOn).toEqual({ mutex: '0x55d0c0a8', owner: '/sys/proc/42/thread/43' })
  observe([one, waitFor(null)])
  expect(one.waitsOn).toEqual({ mutex: '0x55d0c0a8', owner: '/sys/proc/42/thread/99', ownerState: 'DEAD' })
  observe([one, waitFor(other, 'JOIN')])
  expect(one.waitsOn).toEqual({ thread: '/sys/proc/42/thread/43' })
})

test('a wait that is missing from a report is over', () => {
  observe([one, waitFor(other)], [other, waitFor(one)])
  observe([other, waitFor(one)])
  expect([one.wait, other.wait]).toEqual([null, waitFor(one)])
})

test('the same wait observed again changes nothing', () => {
  observe([one, waitFor(other)])
  const { observedWait, revision } = one
  observe([one, waitFor(other)])
  expect(one.observedWait).toBe(observedWait)
  expect(one.revision).toBe(revision)
})

test('a thread that ended waits for nobody and releases nobody', () => {
  observe([one, waitFor(other)], [other, waitFor(one)])
  bench.at(() => seen.threadEnded(bench.kernel, other))
  expect([one.wait, other.wait, bench.kernel.waits.size]).toEqual([null, null, 0])
})

test('a closed set ends with its process', () => {
  bench.at(() => closedSetsObserved(bench.kernel, new Set([process])))
  expect([...bench.kernel.closedSets]).toEqual([process])
  bench.at(() => seen.processEnded(bench.kernel, process, { code: 0, signal: null }))
  expect(bench.kernel.closedSets.size).toBe(0)
})
