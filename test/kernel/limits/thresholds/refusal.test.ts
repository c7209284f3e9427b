/** Refusals by capacities: the container that refuses a request, compared with a recount after random charges. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type LimitName, limitIndex } from '../../../../src/kernel/limits/table.ts'
import { refusersOf } from '../../../../src/kernel/limits/thresholds/deny.ts'
import { containers, type Node } from '../../../../src/kernel/nodes/node.ts'
import { processesWithin } from '../../../../src/kernel/nodes/within.ts'
import * as seen from '../../../../src/kernel/observations.ts'
import { Bench } from '../../support.ts'

/** A kernel whose counts are charged by calls, as a simulator does. */
class Charged extends Bench {
  charge(node: Node, limit: LimitName, delta: number): void {
    this.at(() => this.kernel.usage.charge(node, limitIndex[limit], delta))
  }

  refusal(node: Node, limit: LimitName, delta: number, size?: number): string | null {
    const need = { limit, node, delta, ...(size !== undefined && { size }) }
    return refusersOf(this.kernel, need)[0]?.node.path ?? null
  }
}

describe('a capacity', () => {
  test('refuses what would exceed it, not what reaches it', () => {
    const bench = new Charged()
    const process = bench.process(1)
    bench.capacity(process, 'fds', 10)
    bench.charge(process, 'fds', 8)
    expect([1, 2, 3].map((delta) => bench.refusal(process, 'fds', delta))).toEqual([null, null, '/sys/proc/1'])
  })

  test('refuses at the smallest container first', () => {
    const bench = new Charged()
    const process = bench.process(1, { partition: ['a', 'b'] })
    const other = bench.process(2, { partition: ['a'] })
    bench.charge(other, 'connections', 5)
    bench.capacity(bench.kernel.system, 'connections', 7)
    expect(bench.refusal(process, 'connections', 3)).toBe('/sys')
    bench.capacity(other.container, 'connections', 6)
    expect(bench.refusal(process, 'connections', 3)).toBe('/sys/part/a')
    bench.capacity(process.container, 'connections', 2)
    expect(bench.refusal(process, 'connections', 3)).toBe('/sys/part/a/part/b')
    bench.capacity(process, 'connections', 1)
    expect(bench.refusal(process, 'connections', 3)).toBe('/sys/proc/1')
    expect(bench.refusal(process, 'connections', 1)).toBe(null)
  })

  test('refuses nothing while it is unknown or infinite, or when the limit has no errno', () => {
    const bench = new Charged()
    const process = bench.process(1)
    const thread = bench.thread(process, 1)
    expect(bench.refusal(process, 'fds', 1e9)).toBe(null)
    bench.capacity(process, 'fds', Number.POSITIVE_INFINITY)
    expect(bench.refusal(process, 'fds', 1e9)).toBe(null)
    bench.capacity(process, 'cpu-time', 10)
    bench.charge(thread, 'cpu-time', 10)
    expect(bench.refusal(thread, 'cpu-time', 1)).toBe(null)
  })

  test('for memory refuses at every level, since each level has its own reading; for children only at the process', () => {
    const bench = new Charged()
    const process = bench.process(1, { partition: ['a'] })
    bench.capacity(process.container, 'memory', 100)
    bench.charge(process.container, 'memory', 90)
    expect(bench.refusal(process, 'memory', 11)).toBe('/sys/part/a')
    bench.capacity(process, 'children', 2)
    expect([2, 3].map((delta) => bench.refusal(process, 'children', delta))).toEqual([null, '/sys/proc/1'])
  })

  test('for the largest file applies to that file alone', () => {
    const bench = new Charged()
    const [one, two] = [bench.process(1, { partition: ['a'] }), bench.process(2, { partition: ['a'] })]
    bench.charge(one, 'file-size', 90)
    bench.capacity(one.container, 'file-size', 100)
    expect(bench.refusal(two, 'file-size', 100, 100)).toBe(null)
    expect(bench.refusal(two, 'file-size', 101, 101)).toBe('/sys/part/a')
    expect(bench.refusal(one, 'file-size', 11, 101)).toBe('/sys/part/a')
  })
})

const places = [[], ['a'], ['a', 'b'], ['c']]

test('a refusal matches a recount, and checking for it changes nothing', () => {
  const charge = fc.record({ process: fc.nat(3), delta: fc.integer({ min: 1, max: 20 }) })
  const pools = fc.array(fc.option(fc.nat(60), { nil: Number.POSITIVE_INFINITY }), { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(pools, fc.array(charge, { maxLength: 40 }), (capacities, charges) => {
      const bench = new Charged()
      const { kernel } = bench
      const processes = places.map((partition, place) => bench.process(place + 1, { partition }))
      const nodes: Node[] = [...new Set(processes.flatMap((process) => [process, ...containers(process)]))]
      for (const [place, node] of nodes.entries()) bench.capacity(node, 'channels', capacities[place]!)
      const held = new Map<Node, number>(processes.map((process) => [process, 0]))
      const used = (node: Node) =>
        (node.level === 'process' ? [node] : [...processesWithin(node)]).reduce((sum, one) => sum + held.get(one)!, 0)
      for (const { process, delta } of charges) {
        const node = processes[process]!
        const full = [node, ...containers(node)].find((at) => used(at) + delta > capacities[nodes.indexOf(at)]!) ?? null
        expect(refusersOf(kernel, { limit: 'channels', node, delta })[0]?.node.path).toBe(full?.path)
        if (full !== null) continue
        bench.charge(node, 'channels', delta)
        held.set(node, held.get(node)! + delta)
        for (const at of nodes) expect(bench.value(at, 'channels') ?? 0).toBe(used(at))
      }
      // A process that moves or ends no longer counts in the pools of its old containers.
      const [first, second] = processes
      bench.at(() => seen.processMoved(kernel, first!, second!.container))
      held.set(second!, 0)
      bench.at(() => seen.processEnded(kernel, second!, { code: 0, signal: null }))
      for (const at of nodes) if (at !== second) expect(bench.value(at, 'channels') ?? 0).toBe(used(at))
    }),
  )
})
