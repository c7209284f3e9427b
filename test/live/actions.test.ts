/** Actions on real processes: signals by request and by thresholds, and rlimits. A reused pid is never hit. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LinuxActions } from '../../src/sources/linux/actions.ts'
import { readStartTicks } from '../../src/sources/linux/processes/process-event-reader.ts'
import { Bench } from '../kernel/support.ts'
import { Live } from '../support/live.ts'
import type { Program } from '../support/programs.ts'
import { startForTest } from '../support/running.ts'

let live: Live
const directory = mkdtempSync(join(tmpdir(), 'introspectd-'))

beforeAll(async () => {
  // Every sixtieth scan reads changes that others make to an idle process, so scans are frequent.
  live = await Live.start(['--allow-actions', '--full-period', '100', '--idle-budget', '100', '--armed-budget', '100'])
})

afterAll(async () => {
  rmSync(directory, { recursive: true })
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

async function begin(name = 'catch'): Promise<Program> {
  const program = await startForTest(name)
  await live.until(`/sys/proc/${program.pid}/rlimit/nofile`, ({ soft }) => typeof soft === 'number')
  return program
}

async function send(service: Live, method: string, path: string, body: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${service.url}${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

describe('a signal by request', () => {
  test('arrives, also if it is a real-time one; an unknown one is rejected', async () => {
    const { pid, line } = await begin()
    for (const [signal, number] of [
      ['SIGUSR1', 10],
      ['SIGTERM', 15],
      ['SIGRTMIN+2', 36],
    ] as const) {
      expect((await send(live, 'POST', `/sys/proc/${pid}/signal`, { signal })).status).toBe(200)
      expect(await line()).toBe(`got ${number}`)
    }
    const refused = await send(live, 'POST', `/sys/proc/${pid}/signal`, { signal: 'SIGEMT' })
    expect([refused.status, refused.body.errors]).toMatchObject([400, [{ pointer: '/signal' }]])
  })

  test('is not sent with the If-Process of another process', async () => {
    const { pid, send: command, line } = await begin()
    const headers = { 'if-process': 'another' }
    expect((await send(live, 'POST', `/sys/proc/${pid}/signal`, { signal: 'SIGUSR1' }, headers)).status).toBe(412)
    command('limit 7')
    expect(await line()).toMatch(/^\d+ \d+$/)
  })

  test('is answered with 403 and the reason for a process of another user without CAP_KILL', async () => {
    const { pid } = await begin()
    const other = await Live.start(['--allow-actions'], { uid: 65_534 })
    await other.until(`/sys/proc/${pid}`, ({ status }) => status !== 404)
    const refused = await send(other, 'POST', `/sys/proc/${pid}/signal`, { signal: 'SIGTERM' })
    expect([refused.status, refused.body.errno, refused.body.detail]).toEqual([
      403,
      'EPERM',
      expect.stringContaining('CAP_KILL'),
    ])
    await other.stop()
  })

  test('is answered with 404 for a process that has ended', async () => {
    const program = await begin()
    await program.stop()
    await live.until(`/sys/proc/${program.pid}`, ({ status }) => status === 404)
    expect((await send(live, 'POST', `/sys/proc/${program.pid}/signal`, { signal: 'SIGTERM' })).status).toBe(404)
  })
})

describe('a threshold', () => {
  test('sends SIGXCPU to a CPU hog, and its event reports that', async () => {
    const program = await begin()
    const watcher = await live.watch(`/sys/proc/${program.pid}?types=threshold.*`)
    const hog = `/sys/proc/${program.pid}/cpu-time/threshold/hog`
    const { usage } = (await live.get(`/sys/proc/${program.pid}`)) as { usage: Record<string, number> }
    const put = await live.put(hog, { at: usage['cpu-time']! + 200_000, action: 'signal', signal: 'SIGXCPU' })
    expect(put).toMatchObject({ state: 'armed', action: 'signal', signal: 'SIGXCPU' })
    program.send('spin')
    expect(await program.line()).toBe('got 24')
    const events = await watcher.until(2)
    expect(events.slice(0, 2)).toMatchObject([
      { type: 'threshold.tripped', data: { threshold: hog } },
      { type: 'threshold.acted', data: { threshold: hog, signal: 'SIGXCPU', pid: program.pid, sent: true } },
    ])
  })

  test('reports a failed signal with the reason when it may not send', async () => {
    const { pid } = await begin()
    const other = await Live.start(['--allow-actions'], { uid: 65_534 })
    await other.until(`/sys/proc/${pid}/threads`, ({ value }) => value === 1)
    const watcher = await other.watch(`/sys/proc/${pid}?types=threshold.acted`)
    await other.put(`/sys/proc/${pid}/threads/threshold/any`, { at: 1, action: 'signal', signal: 'SIGTERM' })
    expect(await watcher.until(1)).toMatchObject([{ data: { sent: false, errno: 'EPERM' } }])
    await other.stop()
  })

  test('sends nothing to introspectd itself', async () => {
    const watcher = await live.watch(`/sys/proc/${live.pid}?types=threshold.acted`)
    await live.put('/sys/proc/self/threads/threshold/self', { at: 1, action: 'signal', signal: 'SIGKILL' })
    expect(await watcher.until(1)).toMatchObject([{ data: { sent: false, reason: expect.stringContaining('itself') } }])
  })

  test('cannot deny operations of a live kernel', async () => {
    const refused = await send(live, 'PUT', '/sys/fds/threshold/most', { at: 1, action: 'deny' })
    expect([refused.status, refused.body.errno]).toEqual([409, 'ENOTSUP'])
    expect(refused.body.detail).toContain('observed, not called')
  })
})

describe('an rlimit', () => {
  test('is changed in the process itself, and a percentage threshold follows', async () => {
    const program = await begin()
    const { pid } = program
    const watcher = await live.watch(`/sys/proc/${pid}?types=threshold.*`)
    const set = await send(live, 'PUT', `/sys/proc/${pid}/rlimit/nofile`, { soft: 100, hard: 200 })
    expect([set.status, set.body]).toMatchObject([200, { soft: 100, hard: 200 }])
    program.send('limit 7')
    expect(await program.line()).toBe('100 200')
    await live.until(`/sys/proc/${pid}/fds`, ({ value, capacity }) => capacity === 100 && value !== null)
    expect(await live.put(`/sys/proc/${pid}/fds/threshold/near`, { at: '15%' })).toMatchObject({ state: 'armed' })
    await send(live, 'PUT', `/sys/proc/${pid}/rlimit/nofile`, { soft: 20 })
    expect(await watcher.until(1)).toMatchObject([{ type: 'threshold.tripped', data: { capacity: 20 } }])
    // A change by another program is seen at the next reading.
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=150:200'])
    expect((await watcher.until(2))[1]).toMatchObject({ type: 'threshold.cleared', data: { capacity: 150 } })
    expect(await live.get(`/sys/proc/${pid}/rlimit/nofile`)).toMatchObject({ soft: 150, hard: 200 })
  })

  test.each([
    ['nofile', { soft: 300, hard: 200 }, 400],
    ['nthr', { soft: 5 }, 409],
    ['nofiles', { soft: 5 }, 404],
  ])('%s %j is rejected with %i', async (name, body, status) => {
    const { pid } = await begin()
    expect((await send(live, 'PUT', `/sys/proc/${pid}/rlimit/${name}`, body)).status).toBe(status)
  })
})

test('without --allow-actions actions are refused, and the reason names the flag', async () => {
  const program = await begin()
  const careful = await Live.start()
  await careful.until(`/sys/proc/${program.pid}`, ({ status }) => status !== 404)
  for (const answer of [
    await send(careful, 'POST', `/sys/proc/${program.pid}/signal`, { signal: 'SIGTERM' }),
    await send(careful, 'PUT', `/sys/proc/${program.pid}/rlimit/nofile`, { soft: 100 }),
    await send(careful, 'PUT', '/sys/fds/threshold/x', { at: 1, per: 'process', action: 'signal', signal: 'SIGTERM' }),
  ])
    expect([answer.status, answer.body.detail]).toEqual([403, expect.stringContaining('--allow-actions')])
  program.send('limit 7')
  expect(await program.line()).not.toMatch(/^(100 |got)/)
  await careful.stop()
})

test('--allow-actions is refused with another procfs, whose pids are not of this machine', async () => {
  const started = Live.start(['--allow-actions', '--proc-root', '/tmp'])
  await expect(started).rejects.toThrow('--allow-actions needs --proc-root /proc')
})

describe('a reused pid', () => {
  test('is not hit, because its process has another start time', async () => {
    const program = await begin()
    const bench = new Bench()
    const process = bench.process(program.pid)
    const real = readStartTicks(program.pid)!
    const actions = (startTicks: number | null) =>
      new LinuxActions({ startTicksOf: () => startTicks, onRlimit: () => {} })
    for (const startTicks of [real - 1, real + 1, null]) {
      expect(() => actions(startTicks).signal(process, 'SIGKILL')).toThrow('has ended')
      expect(() => actions(startTicks).setRlimit(process, 'nofile', { soft: 10 })).toThrow('has ended')
    }
    actions(real).signal(process, 'SIGUSR2')
    expect(await program.line()).toBe('got 12')
  })

  // In its own pid namespace the next pid can be chosen. Births and deaths are found by scanning there: here seldom.
  test('is not hit by a service that has not yet seen the former process end', async () => {
    const victimFile = join(directory, 'victim')
    // The shell is the namespace's init, and reaps: only then is a pid free again.
    const script = `sleep 1000 & echo $! > ${victimFile}; "$@"; exit $?`
    const apart = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', 'bash', '-c', script, 'init']
    const service = await Live.start(['--allow-actions', '--full-period', '600000'], { under: apart })
    const pid = Number(readFileSync(victimFile, 'latin1'))
    const init = readFileSync(`/proc/${service.pid}/task/${service.pid}/children`, 'latin1').trim()
    const inside = (text: string) =>
      execFileSync('nsenter', ['--target', init, '--pid', '--mount', 'bash', '-c', text], { encoding: 'utf8' }).trim()
    const before = await service.get(`/sys/proc/${pid}`)
    expect(before.name).toBe('sleep')
    const began = () => inside(`cut -d' ' -f22 /proc/${pid}/stat`)
    const first = began()
    inside(`kill -KILL ${pid}; while [ -e /proc/${pid} ]; do :; done
      until [ "$!" = ${pid} ]; do
        [ -n "$!" ] && kill -KILL $!
        echo ${pid - 1} > /proc/sys/kernel/ns_last_pid
        sleep 1000 > /dev/null 2>&1 &
      done`)
    expect(began()).not.toBe(first)
    expect((await service.get(`/sys/proc/${pid}`)).identity).toBe(before.identity)
    for (const headers of [{}, { 'if-process': String(before.identity) }]) {
      const refused = await send(service, 'POST', `/sys/proc/${pid}/signal`, { signal: 'SIGKILL' }, headers)
      expect([refused.status, refused.body.errno]).toEqual([404, 'ESRCH'])
      const limited = await send(service, 'PUT', `/sys/proc/${pid}/rlimit/nofile`, { soft: 10 }, headers)
      expect([limited.status, limited.body.errno]).toEqual([404, 'ESRCH'])
    }
    // A threshold that trips on the former readings does not hit it either.
    const watcher = await service.watch(`/sys/proc/${pid}?types=threshold.acted`)
    await service.put(`/sys/proc/${pid}/threads/threshold/x`, { at: 1, action: 'signal', signal: 'SIGKILL' })
    expect(await watcher.until(1)).toMatchObject([{ data: { sent: false, errno: 'ESRCH' } }])
    expect(inside(`cat /proc/${pid}/comm`)).toBe('sleep')
    expect(inside(`grep 'open files' /proc/${pid}/limits`)).not.toMatch(/ 10 /)
    await service.stop('SIGKILL')
  })
})
