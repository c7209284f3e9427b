/** The service where clocks differ: a replaced /proc/uptime, as LXCFS has it, and a time namespace. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-'))
const ends: (() => void)[] = [() => rmSync(directory, { recursive: true })]
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

test('a replaced /proc/uptime changes neither the CPU share of a sleeping process nor its start', async () => {
  const uptime = join(directory, 'uptime')
  writeFileSync(uptime, '100.00 100.00\n')
  const bound = ['unshare', '--mount', 'sh', '-c', `mount --bind ${uptime} /proc/uptime && exec "$@"`, 'sh']
  const before = Date.now()
  const program = await startForTest('busy-start')
  const after = Date.now()
  const live = await Live.start(['--full-period', '100', '--idle-budget', '100'], { under: bound })
  ends.push(() => live.child.kill('SIGKILL'))
  // Two ticks of `stat`, and the two clocks are not read at the same moment.
  const { started } = await live.get(`/sys/proc/${program.pid}`)
  expect(Date.parse(String(started))).toBeGreaterThan(before - 100)
  expect(Date.parse(String(started))).toBeLessThan(after + 100)
  const cpu = await live.until(`/sys/proc/${program.pid}/cpu`, ({ value }) => typeof value === 'number')
  expect(cpu.value).toBeLessThan(1000)
  await live.until(`/sys/proc/${program.pid}/cpu`, ({ value }) => value === 0)
  expect(live.output.stderr).toBe('')
})

test('a process that used a CPU after its birth and then sleeps has no share of it', async () => {
  const live = await Live.start()
  ends.push(() => live.child.kill('SIGKILL'))
  const program = await startForTest('busy-start')
  await live.until(`/sys/proc/${program.pid}/cpu`, ({ value }) => typeof value === 'number')
  await live.until(`/sys/proc/${program.pid}/cpu`, ({ value }) => value === 0)
})

test('in a time namespace, a birth and the start of its process have their true times', async () => {
  const live = await Live.start([], { under: ['unshare', '--time', '--monotonic', '86400', '--boottime', '90000'] })
  ends.push(() => live.child.kill('SIGKILL'))
  const watcher = await live.watch('/sys?types=process.created,process.died')
  const before = Date.now()
  const { pid } = await startForTest('catch')
  const after = Date.now()
  const events = await watcher.until(({ type, data }) => type === 'process.created' && data.pid === pid)
  const born = events.find(({ data }) => data.pid === pid)!
  expect(Date.parse(born.time)).toBeGreaterThan(before - 100)
  expect(Date.parse(born.time)).toBeLessThan(after + 100)
  const { started } = await live.get(`/sys/proc/${pid}`)
  expect(Date.parse(String(started))).toBeGreaterThan(before - 100)
  expect(Date.parse(String(started))).toBeLessThan(after + 100)
})
