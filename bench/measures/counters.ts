/** One reading recorded over process, two partitions and the system, against plain fields that know no thresholds. */

import * as seen from '../../src/kernel/observations.ts'
import { Bench } from '../../test/kernel/support.ts'
import { type Figures, interleave, type Measure, timed } from '../measure.ts'

const updates = 200_000
const rounds = 15

class Plain {
  readonly fields = [0, 0, 0, 0]

  set(value: number): void {
    const delta = value - this.fields[0]!
    for (let level = 0; level < this.fields.length; level++) this.fields[level]! += delta
  }
}

async function run(thresholds: number): Promise<Figures> {
  const bench = new Bench()
  bench.kernel.onEvent = () => {}
  const process = bench.process(1, { partition: ['a', 'b'] })
  for (let count = 0; count < thresholds; count++) {
    const other = bench.process(count + 2)
    bench.put(other, 'fds', 'hog', { at: 1_000_000 })
  }
  const plain = new Plain()
  const figures = await interleave(rounds, {
    ours: () =>
      timed(() => {
        for (let count = 0; count < updates; count++) {
          bench.kernel.update(count, () =>
            seen.observe(bench.kernel, process, 'fds', { value: count & 1023, at: count }),
          )
        }
      }),
    reference: () =>
      timed(() => {
        for (let count = 0; count < updates; count++) plain.set(count & 1023)
      }),
  })
  const each = 1e6 / updates
  return { ours: figures.ours * each, reference: figures.reference * each, unit: 'ns' }
}

export const counters: Measure = {
  name: 'counters',
  what: 'a reading over four levels, no threshold anywhere; four plain additions',
  target: null,
  run: () => run(0),
}

export const countersElsewhere: Measure = {
  name: 'counters-elsewhere',
  what: 'the same with 10,000 thresholds on other processes; four plain additions',
  target: null,
  run: () => run(10_000),
}
