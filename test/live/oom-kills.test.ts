/** Processes that the kernel kills because the memory of their cgroup ran out, beside other ends by SIGKILL. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cgroups } from '../support/cgroups.ts'
import { Live } from '../support/live.ts'
import { start } from '../support/programs.ts'

const cgroups = new Cgroups()
const outer = `introspectd oom ${process.pid}`
const outerPath = `/sys/part/${encodeURIComponent(outer)}`
const innerPath = `${outerPath}/part/inner`
let live: Live

beforeAll(async () => {
  live = await Live.start()
  cgroups.make([outer])
  cgroups.limit('memory', [outer], 30 * 2 ** 20)
  cgroups.make([outer, 'inner'])
})

afterAll(async () => {
  cgroups.removeAll()
  await live.stop()
})

async function startInside() {
  const procs = cgroups.directory('memory', outer, 'inner', 'cgroup.procs')
  const program = await start('hog-memory', [100], { under: ['sh', '-c', 'echo $$ > "$0" && exec "$@"', procs] })
  await live.until(`/sys/proc/${program.pid}`, ({ partition }) => partition === innerPath)
  return program
}

test('the end of such a process says so, and a threshold on oom-kills trips at every level', async () => {
  await live.until(`${innerPath}/oom-kills`, ({ value }) => value === 0)
  const machine = Number((await live.get('/sys/oom-kills')).value)
  const paths = [innerPath, outerPath, '/sys']
  for (const path of paths) {
    const at = path === '/sys' ? machine + 1 : 1
    expect(await live.put(`${path}/oom-kills/threshold/first`, { at })).toMatchObject({ state: 'armed' })
    expect(await live.put(`${path}/oom-kills/threshold/any`, { on: 'change' })).toMatchObject({ state: 'armed' })
  }
  const watcher = await live.watch('/sys?types=process.died,threshold.tripped,limit.changed')
  for (const isKilledByHand of [true, false]) {
    const program = await startInside()
    const { pid } = program
    if (isKilledByHand) program.child.kill('SIGKILL')
    else program.send('take')
    const isEnd = ({ type, data }: { type: string; data: Record<string, unknown> }) =>
      type === 'process.died' && data.pid === pid
    await watcher.until(isEnd)
    const { data } = watcher.events.find(isEnd)!
    expect(data).toMatchObject({ signal: 'SIGKILL' })
    expect(data.oom).toBe(isKilledByHand ? undefined : true)
    await program.stop()
  }
  for (const path of paths) {
    const subject = `${path}/oom-kills`
    await watcher.until((event) => event.type === 'threshold.tripped' && event.subject === subject)
    await watcher.until((event) => event.type === 'limit.changed' && event.subject === subject)
  }
  expect(await live.get(`${innerPath}/oom-kills`)).toMatchObject({ value: 1 })
  expect(await live.get(`${outerPath}/oom-kills`)).toMatchObject({ value: 1 })
})
