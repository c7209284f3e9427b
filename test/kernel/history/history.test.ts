/** Histories of usage: which limits of which nodes are recorded, how long, and in how much memory. */

import { beforeEach, expect, test } from 'vitest'
import { defaultHistory, History, type HistoryOptions } from '../../../src/kernel/history/history.ts'
import { bytesOf } from '../../../src/kernel/history/series.ts'
import type { LimitName } from '../../../src/kernel/limits/table.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import * as seen from '../../../src/kernel/observations.ts'
import * as measured from '../../../src/kernel/observed-usage.ts'
import { Bench } from '../support.ts'

let bench: Bench
let history: History

const begin = (options: Partial<HistoryOptions> = {}) => {
  history = new History(() => bench.kernel, { ...defaultHistory, everyMs: 1000, retentionMs: 10_000, ...options })
  bench.kernel.beforeUpdate((at) => history.note(at))
}

beforeEach(() => {
  bench = new Bench()
  begin()
})

const later = (at: number, change: () => void = () => {}) => bench.kernel.update(at, change)
const observe = (node: Node, limit: LimitName, value: number) => () =>
  measured.observe(bench.kernel, node, limit, { value, at: bench.kernel.now })
const isRecorded = (node: Node, limit: LimitName) => history.isRecorded(node, bench.index(limit))
const entriesOf = (node: Node, limit: LimitName) => history.of(node, bench.index(limit))?.since(0) ?? []

test('the system and partitions have a history of every limit that can be measured there', () => {
  const web = bench.process(1, { partition: ['web'] }).parent!
  later(5000)
  expect(isRecorded(bench.kernel.system, 'fds')).toBe(true)
  expect(isRecorded(web, 'processes')).toBe(true)
  expect(isRecorded(web, 'channels')).toBe(false)
})

test('a process has a history of a limit while a threshold watches it, and its intervals remain until they are old', () => {
  const process = bench.process(1)
  later(5000, observe(process, 'fds', 3))
  expect(isRecorded(process, 'fds')).toBe(false)
  const { threshold } = bench.put(process, 'fds', 'hog', { at: 100 })
  later(6000)
  later(6500, observe(process, 'fds', 8))
  later(7000)
  expect(isRecorded(process, 'fds')).toBe(true)
  bench.kernel.notifier.delete(threshold)
  later(9000)
  expect(isRecorded(process, 'fds')).toBe(false)
  expect(entriesOf(process, 'fds')).toEqual([
    { start: 6000, minimum: 3, maximum: 8, last: 8 },
    { start: 7000, minimum: 8, maximum: 8, last: 8 },
  ])
  later(30_000)
  expect(entriesOf(process, 'fds')).toEqual([])
})

test('each node that a threshold with `per` watches has a history', () => {
  const [one, other] = [bench.process(1), bench.process(2)]
  bench.put(bench.kernel.system, 'fds', 'each', { at: 100, per: 'process' })
  later(5000)
  expect([isRecorded(one, 'fds'), isRecorded(other, 'fds')]).toEqual([true, true])
})

test('the processes that use most CPU and most memory have a history', () => {
  begin({ top: 1 })
  const [idle, busy, large] = [bench.process(1), bench.process(2), bench.process(3)]
  for (const [process, memory] of [
    [idle, 10],
    [busy, 20],
    [large, 30],
  ] as const)
    bench.observe(process, 'memory', memory)
  bench.observe(bench.thread(busy, 2), 'cpu', 900)
  later(5000)
  expect([idle, busy, large].map((process) => isRecorded(process, 'memory'))).toEqual([false, true, true])
  expect([idle, busy, large].map((process) => isRecorded(process, 'cpu'))).toEqual([false, true, true])
})

test('a process that ends leaves no history', () => {
  const process = bench.process(1)
  bench.put(process, 'fds', 'hog', { at: 100 })
  later(5000, observe(process, 'fds', 3))
  later(6000, () => seen.processEnded(bench.kernel, process, { code: 0, signal: null }))
  later(7000)
  expect(entriesOf(process, 'fds')).toEqual([])
})

test('the histories together stay within the memory limit, and those of the system come first', () => {
  const one = bytesOf({ everyMs: 1000, intervals: 10 })
  const process = bench.process(1, { partition: ['web'] })
  begin({ bytesMax: 8 * one })
  bench.put(process, 'fds', 'hog', { at: 100 })
  later(5000)
  expect(isRecorded(bench.kernel.system, 'cpu') || isRecorded(bench.kernel.system, 'memory')).toBe(true)
  expect(isRecorded(process, 'fds')).toBe(false)
  expect(history.isFull).toBe(true)
})

test('without memory there is no history', () => {
  begin({ bytesMax: 0 })
  later(5000)
  expect(isRecorded(bench.kernel.system, 'memory')).toBe(false)
})

test('nothing is recorded before a source has read the current values', () => {
  let isRead = false
  history = new History(
    () => bench.kernel,
    defaultHistory,
    () => isRead,
  )
  bench.kernel.beforeUpdate((at) => history.note(at))
  later(5000)
  expect(isRecorded(bench.kernel.system, 'fds')).toBe(false)
  isRead = true
  later(6000)
  expect(isRecorded(bench.kernel.system, 'fds')).toBe(true)
})

test('unknown values are not recorded', () => {
  const process = bench.process(1)
  bench.put(process, 'fds', 'hog', { at: 100 })
  later(5000)
  later(6000)
  expect(entriesOf(process, 'fds')).toEqual([])
})
