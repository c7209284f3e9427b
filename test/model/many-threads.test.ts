/** Tests thresholds in a process with very many threads. */

import { expect, test } from 'vitest'
import { limitIndex } from '../../src/kernel/limits/table.ts'
import type { Node } from '../../src/kernel/nodes/node.ts'
import { defaults } from '../kernel/support.ts'
import { World } from './world.ts'

const many = 100_000

test(`thresholds at four levels trip and clear exactly, in a server of ${many} threads`, () => {
  const world = new World()
  const partition = world.machine.putPartition(['p'], {})
  const server = world.spawn('server', { container: partition })
  const { system } = world.kernel
  const put = (node: Node, limit: 'threads' | 'stack', at: number, per: 'thread' | null = null) =>
    world.kernel.notifier.put(node, limitIndex[limit], 'x', {
      definition: { ...defaults, at, per },
      owner: null,
    })
  for (const node of [server, partition, system]) put(node, 'threads', many)
  put(server, 'stack', 4097, 'thread')
  while (server.threads.size < many - 1) world.machine.createThread(server, {})
  expect(world.takeEvents('threshold')).toEqual([])
  const last = world.machine.createThread(server, { detached: true })
  expect(world.events.filter(({ type }) => type === 'threshold.tripped').map(({ data }) => data.value)).toEqual([
    many,
    many,
    many,
  ])
  expect(world.takeEvents('threshold')).toEqual([
    'threshold.tripped /sys/proc/1/threads',
    'threshold.tripped /sys/part/p/threads',
    'threshold.tripped /sys/threads',
  ])
  world.machine.call(1, last.tid, { name: 'enter', args: { bytes: 1 } })
  expect(world.takeEvents('threshold')).toEqual([`threshold.tripped ${last.path}/stack`])
  world.machine.call(1, last.tid, { name: 'ThreadDestroy', args: {} })
  expect(world.takeEvents('thre')).toEqual([
    `threshold.cleared ${last.path}/stack died`,
    `thread.died ${last.path}`,
    'threshold.cleared /sys/proc/1/threads rearmed',
    'threshold.cleared /sys/part/p/threads rearmed',
    'threshold.cleared /sys/threads rearmed',
  ])
  world.machine.call(1, 1, { name: 'exit', args: {} })
  expect([world.usage(system, 'threads'), world.usage(system, 'stack'), world.usage(system, 'memory')]).toEqual([
    0, 0, 0,
  ])
}, 60_000)
