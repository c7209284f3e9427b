/** The service where /proc is that of another pid namespace, so that its ids are not those of system calls. */

import { execFileSync, spawn } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { findProcNamespace } from '../../src/sources/linux/native/proc-namespace.ts'
import { detectKernelFeatures, whyNoOwners } from '../../src/sources/linux/scan/kernel-features.ts'
import { Live } from '../support/live.ts'
import { startForTest } from '../support/running.ts'
import { until } from '../support/until.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A new namespace, with the procfs of the one outside. */
const inNamespace = ['unshare', '--pid', '--fork', '--kill-child']

async function startInNamespace(args: readonly string[]): Promise<{ live: Live; outerPid: number }> {
  const live = await Live.start(args, { under: inNamespace })
  ends.push(() => live.child.kill('SIGKILL'))
  return { live, outerPid: Number(execFileSync('pgrep', ['-P', String(live.pid)]).toString()) }
}

async function post(live: Live, path: string, body: unknown) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${live.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('with the /proc of the namespace outside', () => {
  test('no action is carried out, self is the service itself, and the reason is reported', async () => {
    const { live, outerPid } = await startInNamespace(['--allow-actions'])
    expect(await live.get('/sys/proc/self')).toMatchObject({ pid: outerPid, self: true })
    // Inside, this is the id of the service itself.
    const refused = await post(live, '/sys/proc/1/signal', { signal: 'SIGTERM' })
    expect(refused.status).toBe(403)
    expect(refused.body.detail).toMatch(/another pid namespace/)
    const program = await startForTest('catch')
    await live.until(`/sys/proc/${program.pid}`, ({ pid }) => pid === program.pid)
    expect(await live.get(`/sys/proc/${program.pid}/signal`)).toMatchObject({
      refused: expect.stringMatching(/another pid namespace/),
    })
    const acting = { at: 1, action: 'signal', signal: 'SIGTERM' }
    const threshold = await live.put(`/sys/proc/${program.pid}/fds/threshold/acts`, acting)
    expect(threshold.status).toBe(403)
    const ready = await (await fetch(`${live.url}/readyz?verbose`)).text()
    expect(ready).toMatch(/\[-\] pid-namespace: \/proc is the procfs of another pid namespace/)
    expect(live.output.stderr).toBe('')
  })
})

describe('with the procfs of a namespace that the service is not in', () => {
  /** Resolves with a procfs in which a sleeper has pid 1. */
  async function foreignProc(): Promise<string> {
    const apart = spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', 'sleep', '300'])
    ends.push(() => apart.kill('SIGKILL'))
    const sleeper = await until(
      () => execFileSync('sh', ['-c', `pgrep -x sleep -P ${apart.pid} || true`]).toString(),
      (pid) => pid !== '',
    )
    return `/proc/${sleeper.trim()}/root/proc`
  }

  test('its processes are shown, none is self, and no id of it is given to a system call', async () => {
    const procRoot = await foreignProc()
    const features = detectKernelFeatures(procRoot, '/sys/fs/cgroup')
    expect(features).toMatchObject({ isProc: true, ownNamespace: false, selfPid: null, schedstatWorks: true })
    expect(whyNoOwners(features)).toMatch(/own pid namespace/)
    const live = await Live.start(['--proc-root', procRoot])
    ends.push(() => live.child.kill('SIGKILL'))
    expect(await live.get('/sys/proc/1')).toMatchObject({ name: 'sleep' })
    expect(await live.get('/sys/proc/self')).toMatchObject({ status: 404 })
    const ready = await (await fetch(`${live.url}/readyz?verbose`)).text()
    expect(ready).toMatch(/\[-\] pid-namespace: .* is the procfs of another pid namespace/)
    expect(live.output.stderr).toBe('')
  })
})

test('the procfs of the own namespace is recognised wherever it is mounted, and a copy of one is not', () => {
  const own = { isProc: true, selfPid: process.pid, isOwn: true }
  expect(findProcNamespace('/proc')).toEqual(own)
  expect(findProcNamespace('/proc/self/root/proc')).toEqual(own)
  const copy = new URL('../fixtures/proc', import.meta.url).pathname
  expect(findProcNamespace(copy)).toEqual({ isProc: false, selfPid: null, isOwn: false })
})
