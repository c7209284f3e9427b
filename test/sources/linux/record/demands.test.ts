/** Limits on demand: which are read, for how long after a request, and what becomes of the last values. */

import { expect, test } from 'vitest'
import { requestHoldMs, requestsMax } from '../../../../src/kernel/limits/maxima.ts'
import { type LimitName, limitIndex } from '../../../../src/kernel/limits/table.ts'
import type { Node } from '../../../../src/kernel/nodes/node.ts'
import { partitionAppeared } from '../../../../src/kernel/observations.ts'
import * as measured from '../../../../src/kernel/observed-usage.ts'
import { containerBit } from '../../../../src/sources/linux/linux-limits.ts'
import { scannedIndex } from '../../../../src/sources/linux/protocol.ts'
import { armedPlan } from '../../../../src/sources/linux/record/armed-plan.ts'
import { Demands } from '../../../../src/sources/linux/record/demands.ts'
import { Restarts } from '../../../../src/sources/linux/record/restarts.ts'
import { Bench, defaults } from '../../../kernel/support.ts'

function prepared() {
  const bench = new Bench()
  const { kernel } = bench
  const demands = new Demands(kernel)
  const plan = () => demands.replace(armedPlan(kernel).command)
  const value = (node: Node, limit: LimitName) => kernel.notifier.read(node, limitIndex[limit]).value
  const observe = (node: Node, limit: LimitName, amount: number) =>
    bench.at(() => measured.observe(kernel, node, limit, { value: amount, at: 1 }))
  return { bench, kernel, demands, plan, value, observe }
}

test('a limit that a client has read is read for a while, then its value is forgotten, in the sums too', () => {
  const { bench, kernel, demands, plan, value, observe } = prepared()
  const process = bench.process(42, { partition: ['web'] })
  const other = bench.process(43, { partition: ['web'] })
  const index = scannedIndex['io-write']
  plan()
  expect(demands.isWanted(42, index)).toBe(false)
  kernel.requests.add(process, limitIndex['io-write'], kernel.now)
  plan()
  expect([demands.isWanted(42, index), demands.isWanted(43, index)]).toEqual([true, false])
  observe(process, 'io-write', 700)
  expect([value(process, 'io-write'), value(kernel.system, 'io-write')]).toEqual([700, 700])
  kernel.requests.expire(kernel.now + requestHoldMs)
  plan()
  expect([value(process, 'io-write'), value(other, 'io-write'), value(kernel.system, 'io-write')]).toEqual([
    null,
    null,
    null,
  ])
  expect(kernel.notifier.read(kernel.system, limitIndex['io-write']).unreadable).toBe(0)
})

test('a threshold on a partition has the rates of its processes read, and the pressure of its own', () => {
  const { bench, kernel, demands, plan } = prepared()
  bench.process(42, { partition: ['web', 'inner'] })
  bench.process(43)
  const web = kernel.partition(['web'])!
  const set = (limit: LimitName, per: 'process' | 'partition' | null) =>
    bench.at(() =>
      kernel.notifier.put(web, limitIndex[limit], 'x', { definition: { ...defaults, at: 5, per }, owner: null }),
    )
  set('page-faults', 'process')
  set('pressure-io', 'partition')
  plan()
  expect([42, 43].map((pid) => demands.isWanted(pid, scannedIndex['page-faults']))).toEqual([true, false])
  const bit = containerBit('pressure-io')
  expect([web, kernel.partition(['web', 'inner'])!].map((each) => demands.isWantedOf(each, bit))).toEqual([false, true])
})

test('beyond the largest number of requests the oldest one ends', () => {
  const { bench, kernel } = prepared()
  const process = bench.process(1)
  for (let index = 0; index <= requestsMax; index++) kernel.requests.add(process, index, 0)
  const indices = [...kernel.requests.all()].map(({ index }) => index)
  expect([indices.length, indices[0]]).toEqual([requestsMax, 1])
})

test('another cgroup under the same names is a restart, of the partition and of the machine', () => {
  const { bench, kernel, value } = prepared()
  const restarts = new Restarts(kernel, 3)
  const record = (...inodes: number[]) =>
    bench.at(() =>
      restarts.record(
        inodes.map((inode, place) => ({ names: [`p${place}`], inode })),
        1,
      ),
    )
  for (const name of ['p0', 'p1', 'p2']) bench.at(() => partitionAppeared(kernel, [name]))
  const shown = () => [...kernel.system.partitions.values(), kernel.system].map((node) => value(node, 'restarts'))
  record(1, 2, 3)
  expect(shown()).toEqual([0, 0, 0, 0])
  record(1, 5, 3)
  record(9, 6, 3)
  expect(shown()).toEqual([1, 2, 0, 3])
})
