/** Groups of processes for metrics: bounded in number, and with CPU time that never falls. */

import { expect, test } from 'vitest'
import * as seen from '../../src/kernel/observations.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import { ProcessGroups } from '../../src/kernel/process-groups.ts'
import { Bench } from './support.ts'

function usage(bench: Bench, pid: number, { cpuUs = 0, memory = 0 }) {
  const process = bench.kernel.process(pid)
  const thread =
    process.threads.get(pid) ??
    bench.at(() => seen.threadAppeared(bench.kernel, process, { tid: pid, name: 'x', since: 0 }))
  bench.at(() => {
    measured.observe(bench.kernel, thread, 'cpu-time', { value: cpuUs, at: 1 })
    measured.observe(bench.kernel, process, 'memory', { value: memory, at: 1 })
    measured.observe(bench.kernel, process, 'fds', { value: 3, at: 1 })
  })
}

test('the largest groups get a place, the rest is in other, and a group that is empty for long gives its place up', () => {
  const bench = new Bench()
  for (const [pid, name] of [
    [1, 'web'],
    [2, 'web'],
    [3, 'db'],
    [4, 'db'],
    [5, 'cron'],
    [6, 'sshd'],
  ] as const)
    bench.process(pid, { name })
  usage(bench, 1, { memory: 100 })
  usage(bench, 2, { memory: 50 })
  const groups = new ProcessGroups({ by: 'program', max: 2, emptyMsMax: 1000 })
  const shown = (now: number) =>
    groups
      .read(bench.kernel, now)
      .map(({ group, processes, memoryBytes, unreadable }) => [group, processes, memoryBytes, unreadable])
  expect(shown(0)).toEqual([
    ['db', 2, 0, 2],
    ['web', 2, 150, 0],
    ['other', 2, 0, 2],
  ])
  for (const pid of [3, 4])
    bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(pid), { code: 0, signal: null }))
  expect(shown(500)).toEqual([
    ['db', 0, 0, 0],
    ['web', 2, 150, 0],
    ['other', 2, 0, 2],
  ])
  expect(shown(1001)).toEqual([
    ['web', 2, 150, 0],
    ['other', 1, 0, 1],
    ['cron', 1, 0, 1],
  ])
})

test('CPU time of a group never falls when one of its processes ends', () => {
  const bench = new Bench()
  for (const pid of [1, 2]) bench.process(pid, { name: 'web', partition: ['app'] })
  usage(bench, 1, { cpuUs: 2_000_000 })
  usage(bench, 2, { cpuUs: 1_000_000 })
  const groups = new ProcessGroups({ by: 'partition', max: 2, emptyMsMax: 1000 })
  const cpu = () => groups.read(bench.kernel, 0).map(({ group, cpuSeconds }) => [group, cpuSeconds])
  expect(cpu()).toEqual([['/sys/part/app', 3]])
  usage(bench, 2, { cpuUs: 1_500_000 })
  bench.at(() => seen.processEnded(bench.kernel, bench.kernel.process(1), { code: 0, signal: null }))
  expect(cpu()).toEqual([['/sys/part/app', 3.5]])
})
