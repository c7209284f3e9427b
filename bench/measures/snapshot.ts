/** Measures a bulk read after few changes, compared with encoding views that exist already. */

import { noRules } from '../../src/app/rules.ts'
import { defaultHistory, History } from '../../src/kernel/history/history.ts'
import * as measured from '../../src/kernel/observed-usage.ts'
import { RuleSet } from '../../src/rules/rule-set.ts'
import { Fragments } from '../../src/tree/fragments.ts'
import { read } from '../../src/tree/read.ts'
import { resolve } from '../../src/tree/resolve.ts'
import { Bench } from '../../test/kernel/support.ts'
import { interleave, type Measure, timed } from '../measure.ts'

const processes = 1000
const threads = 8
const changed = (processes * threads) / 100
const rounds = 25

export const snapshot: Measure = {
  name: 'snapshot',
  what: 'GET /sys/proc?depth=2 of 1,000 × 8 threads, 1 % changed; JSON.stringify of the whole',
  target: { text: '≥ 2 times less', met: ({ ours, reference }) => reference / ours >= 2 },
  run: async () => {
    const bench = new Bench({ isRecorded: false })
    for (let pid = 1; pid <= processes; pid++) {
      const process = bench.process(pid, { partition: ['web'] })
      bench.observe(process, 'fds', pid)
      bench.observe(process, 'memory', pid * 4096)
      for (let tid = 0; tid < threads; tid++) bench.observe(bench.thread(process, pid * 10 + tid), 'stack', 8192)
    }
    const history = new History(() => bench.kernel, defaultHistory)
    const context = {
      kernel: bench.kernel,
      host: 'bench',
      version: '0',
      source: 'bench',
      model: null,
      catchUp: () => {},
      history,
      rules: new RuleSet({ kernel: () => bench.kernel, sources: noRules, logger: console }),
    }
    const fragments = new Fragments(context)
    const resolved = resolve(bench.kernel, '/sys/proc')
    const reading = () =>
      read(context, fragments, resolved, { depth: 2, fields: null, limit: null, cursor: null, since: null })
    let turn = 0
    const change = () => {
      turn++
      for (let count = 0; count < changed; count++) {
        const pid = 1 + ((turn * 7 + count * 12) % processes)
        const thread = bench.kernel.thread(pid, pid * 10 + (turn % threads))
        bench.at(() => measured.observe(bench.kernel, thread, 'stack', { value: 8192 + turn, at: turn }))
      }
    }
    const whole = reading().views()
    const figures = await interleave(rounds, {
      ours: () => {
        change()
        return timed(() => Buffer.concat(reading().lines()))
      },
      reference: () => timed(() => Buffer.from(JSON.stringify(whole))),
    })
    return { ...figures, unit: 'ms' }
  },
}
