/** The live source without some permissions. */

import { execFileSync, spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { start } from '../support/programs.ts'

/** In a pid namespace of its own the connector is refused, because the kernel reports no births there. */
const inNamespace = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']

test('without the connector the service polls, says so, and still finds births, deaths and hogs', async () => {
  const live = await Live.start([], { under: inNamespace })
  const service = await childOf(live.pid)
  const ready = await (await fetch(`${live.url}/readyz?verbose`)).text()
  expect(ready).toMatch(/\[-\] inventory: polling every 1s, short-lived processes go unseen: /)
  expect(ready).toMatch(/^ok$/m)
  const limits = (await live.get('/sys/limits')).entries as { name: string; period: string | null }[]
  expect(limits.find(({ name }) => name === 'processes')?.period).toBe('1s')
  const births = await live.watch('/sys?types=process.*,threshold.*,source.*')
  // It has another pid outside the namespace; inside it is found by its name.
  const inside = spawn('nsenter', ['--pid', '--mount', '--target', String(service), 'sleep', '60'], {
    stdio: 'ignore',
  })
  const born = await births.until(({ type, data }) => type === 'process.created' && data.name === 'sleep')
  const { subject } = born.find(({ data }) => data.name === 'sleep')!
  await live.put(`${subject}/fds/threshold/any`, { at: 1 })
  await births.until(({ type }) => type === 'threshold.tripped')
  execFileSync('pkill', ['-P', String(inside.pid), '-x', 'sleep'])
  await births.until(({ type, subject: of }) => type === 'process.died' && of === subject)
  expect(births.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['threshold.cleared', 'process.died']))
  expect(live.output.stderr).toBe('')
  // unshare itself ignores SIGTERM.
  await live.stop('SIGTERM', service)
})

/** The pid, seen from here, of the only child of a process. */
async function childOf(pid: number): Promise<number> {
  return Number(
    execFileSync('pgrep', ['-P', String(pid)])
      .toString()
      .trim(),
  )
}

test('without permission, unreadable values are unknown with the reason, never zero', async () => {
  const hog = await start('fd-hog', [1, 50])
  const live = await Live.start([], { uid: 65_534 })
  const watcher = await live.watch('/sys?types=source.*')
  const shown = await live.until(`/sys/proc/${hog.pid}`, ({ unavailable }) => unavailable !== undefined)
  expect(shown.unavailable).toMatchObject({ stack: 'permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH' })
  expect(shown.usage).not.toHaveProperty('stack')
  const stack = await live.get(`/sys/proc/${hog.pid}/stack`)
  expect(stack).toMatchObject({
    value: null,
    unreadable: 1,
    unavailable: 'permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH',
  })
  const threshold = await live.put(`/sys/proc/${hog.pid}/stack/threshold/deep`, { at: 1 })
  expect(threshold).toMatchObject({ state: 'unknown', value: null })
  expect((await live.get('/sys/stack')).unreadable).toBeGreaterThan(0)
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).toMatch(/\[-\] permission: /)
  // It was reported once, at the start; more scans and more unreadable processes report nothing more.
  const second = await start('fd-hog', [1, 50])
  await live.until(`/sys/proc/${second.pid}`, ({ unavailable }) => unavailable !== undefined)
  await second.stop()
  expect(watcher.events.filter(({ data }) => data.what === 'permission')).toEqual([])
  await live.stop()
  await hog.stop()
})

test('--proc-root shows the files of that directory, and nothing of this machine', async () => {
  const fixtures = new URL('../fixtures/', import.meta.url).pathname
  const live = await Live.start(['--proc-root', `${fixtures}proc`, '--cgroup-root', `${fixtures}cgroup`])
  const { entries } = (await live.get('/sys/proc')) as { entries: { pid: number; identity: string }[] }
  expect(entries.map(({ pid, identity }) => [pid, identity.split('-')[0]])).toEqual([[42, '111111']])
  // Process 7 is a zombie there.
  expect(await live.get('/sys/processes')).toMatchObject({ value: 1, period: '1s' })
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).toContain('the connector reports on /proc')
  expect(live.output.stderr).toBe('')
  await live.stop()
})
