/** Reasons for readings that the kernel does not permit, and the end of the degradation that they cause. */

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { parseCredentials } from '../../src/sources/linux/parse/credentials.ts'
import { Live } from '../support/live.ts'
import { nobodyWith } from '../support/nobody-with.ts'
import { startForTest } from '../support/running.ts'
import { until } from '../support/until.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

async function begin(under: readonly string[], args: readonly string[] = []): Promise<Live> {
  const live = await Live.start(args, { under })
  ends.push(() => live.child.kill('SIGKILL'))
  return live
}

async function whyNoStack(live: Live, pid: number): Promise<string> {
  const { unavailable } = await live.until(`/sys/proc/${pid}/stack`, ({ unavailable }) =>
    /^permission/.test(String(unavailable)),
  )
  return String(unavailable)
}

test('each reason names the cause that applies to the process', async () => {
  const live = await begin(nobodyWith([]))
  const ofRoot = await startForTest('catch')
  expect(await whyNoStack(live, ofRoot.pid)).toBe('permission denied: needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH')
  const privileged = await startForTest('catch', [], { under: nobodyWith(['KILL']) })
  expect(await whyNoStack(live, privileged.pid)).toMatch(/capabilities that the service lacks \(CAP_KILL\)/)
  const hidden = await startForTest('not-dumpable', [], { under: nobodyWith([]) })
  expect(await whyNoStack(live, hidden.pid)).toMatch(/is not dumpable/)
  // A process of its own user with nothing more is readable.
  const plain = await startForTest('catch', [], { under: nobodyWith([]) })
  await live.until(`/sys/proc/${plain.pid}/stack`, ({ value }) => typeof value === 'number')
})

test('capabilities of a user namespace are not said to be missing', async () => {
  const live = await begin(['unshare', '--user', '--map-root-user'])
  const program = await startForTest('catch', [], { under: nobodyWith([]) })
  expect(await whyNoStack(live, program.pid)).toMatch(/only in its own user namespace/)
})

function permittedOf(pid: number | 'self'): bigint {
  return parseCredentials(readFileSync(`/proc/${pid}/status`, 'latin1')).permitted
}

const lacking = permittedOf(1) & ~permittedOf('self')
const hasPtrace = (permittedOf('self') & (1n << 19n)) !== 0n
test.runIf(lacking !== 0n && hasPtrace)('a capability that the service has is not called missing', async () => {
  const live = await begin([])
  const shown = await live.until(
    '/sys/proc/1/stack',
    ({ unavailable, value }) => /^permission/.test(String(unavailable)) || value !== null,
  )
  if (shown.value === null) expect(shown.unavailable).toMatch(/although the service has CAP_SYS_PTRACE and CAP_DAC/)
})

test('the degradation ends with the last process that may not be read', async () => {
  // The service sees only its own pid namespace, in which it is the first process.
  const apart = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child', ...nobodyWith([])]
  const live = await begin(apart, ['--full-period', '100', '--idle-budget', '100'])
  const service = await until(
    () =>
      execFileSync('pgrep', ['-P', String(live.pid)])
        .toString()
        .trim(),
    (pid) => pid !== '',
  )
  // The change of its user cancels the signal that --kill-child requested.
  ends.push(() => process.kill(Number(service), 'SIGKILL'))
  const watcher = await live.watch('/sys?types=source.*')
  const inside = spawn('nsenter', ['--pid', '--mount', '--target', service, 'sleep', '300'], { stdio: 'ignore' })
  ends.push(() => inside.kill('SIGKILL'))
  await watcher.until(({ type, data }) => type === 'source.degraded' && data.what === 'permission')
  execFileSync('pkill', ['-P', String(inside.pid), '-x', 'sleep'])
  await watcher.until(({ type, data }) => type === 'source.recovered' && data.what === 'permission')
  expect(await (await fetch(`${live.url}/readyz?verbose`)).text()).not.toMatch(/\[-\] permission: /)
})
