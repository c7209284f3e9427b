/** Tests the systemd unit with the tools of systemd, and under a real systemd in its own namespaces. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProcessView } from '../../src/tree/views.ts'
import { until } from '../support/until.ts'

const root = new URL('../../', import.meta.url).pathname
const boot = join(root, 'test/programs/boot-systemd.sh')
const unit = join(root, 'deploy/introspectd.service')
const text = readFileSync(unit, 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'introspectd-unit-'))

afterAll(() => rmSync(directory, { recursive: true }))

test('systemd accepts every line of the unit', () => {
  // The command must exist.
  const copy = join(directory, 'introspectd.service')
  writeFileSync(copy, text.replace('ExecStart=introspectd', 'ExecStart=/bin/true'))
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' })
  expect([stderr, status]).toEqual(['', 0])
  writeFileSync(copy, text.replace('ProtectClock=', 'ProtectClocks='))
  expect(spawnSync('systemd-analyze', ['verify', copy], { encoding: 'utf8' }).stderr).toContain('ProtectClocks')
})

test('systemd accepts every line of the sockets', () => {
  const [copy, service] = ['introspectd.socket', 'introspectd.service'].map((name) => join(directory, name))
  writeFileSync(service!, text.replace('ExecStart=introspectd', 'ExecStart=/bin/true'))
  writeFileSync(copy!, readFileSync(join(root, 'deploy/introspectd.socket')))
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', copy!, service!], { encoding: 'utf8' })
  expect([stderr, status]).toEqual(['', 0])
})

test('systemd-analyze rates the exposure of the unit at most 2.0 of 10', () => {
  const report = execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', unit])
  expect(report.toString()).toMatch(/Overall exposure level for introspectd\.service: [01]\.\d|2\.0/)
})

describe('under systemd', () => {
  let booted: ChildProcess
  let first: string

  const inside = (...command: string[]): string =>
    execFileSync('nsenter', ['--all', '--target', first, ...command], { encoding: 'utf8' })

  const shown = (): Record<string, string> =>
    Object.fromEntries(
      inside('systemctl', 'show', 'introspectd')
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )

  const untilShown = (fits: (properties: Record<string, string>) => boolean) => until(shown, fits, { everyMs: 50 })

  const runs = ({ SubState, StatusText }: Record<string, string>) =>
    SubState === 'running' && StatusText!.startsWith('serves ')

  beforeAll(async () => {
    const scratch = join(directory, 'scratch')
    mkdirSync(scratch)
    booted = spawn(boot, [root, scratch], { stdio: ['ignore', 'inherit', 'inherit'] })
    // systemd is up when systemctl can connect to it.
    const status = () => {
      if (booted.exitCode !== null) throw new Error('systemd did not start')
      first = spawnSync('pgrep', ['-P', String(booted.pid)], { encoding: 'utf8' }).stdout.trim()
      return first === '' ? 'not there' : spawnSync('nsenter', ['--all', '--target', first, 'systemctl', 'show']).status
    }
    await until(status, (code) => code === 0, { everyMs: 50 })
  })

  afterAll(async () => {
    const ended = new Promise((resolve) => booted.once('exit', resolve))
    booted.kill('SIGKILL')
    await ended
    // The kernel ends the processes of the namespace a little later; then their cgroups are empty.
    const cgroups = spawnSync('findmnt', ['-nf', '-t', 'cgroup2', '-o', 'TARGET'], { encoding: 'utf8' }).stdout.trim()
    const remove = ['-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']
    const removal = () => {
      const { stderr } = spawnSync('find', [`${cgroups}/introspectd-test`, ...remove], { encoding: 'utf8' })
      return stderr
    }
    await until(removal, () => !existsSync(`${cgroups}/introspectd-test`))
  })

  test('the service starts with only the capabilities of the unit, and reads processes of root', async () => {
    const { MainPID, StatusText } = await untilShown(runs)
    const status = inside('cat', `/proc/${MainPID}/status`)
    const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, 'm').exec(status)?.[1]
    expect(Number(field('Uid'))).toBeGreaterThan(1000)
    const bits = ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((name) => Number.parseInt(field(name)!, 16))
    expect(new Set(bits)).toEqual(new Set([(1 << 2) | (1 << 12) | (1 << 19)])) // DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE
    expect([field('NoNewPrivs'), field('Seccomp')]).toEqual(['1', '2'])
    const [, url] = /^serves (\S+?)(?:;|$)/.exec(StatusText!)!
    // Its one thread waits in epoll_wait, but for the moments in which it works.
    const readSystemd = async () => (await (await fetch(`${url}/sys/proc/1`)).json()) as ProcessView
    const systemd = await until(readSystemd, ({ state }) => state?.RECEIVE === 1)
    expect(systemd).toMatchObject({ name: 'systemd', uid: 0, executable: '/usr/lib/systemd/systemd' })
    expect(systemd).not.toHaveProperty('unavailable')
    const own = (await (await fetch(`${url}/sys/proc/self`)).json()) as { partition: string }
    expect(own.partition).toBe('/sys/part/system.slice/part/introspectd.service')
  })

  test('a reload without files to reload leaves the service running', async () => {
    const { MainPID } = await untilShown(runs)
    inside('systemctl', 'reload', 'introspectd')
    expect(await untilShown(runs)).toMatchObject({ MainPID, NRestarts: '0', ReloadResult: 'success' })
  })

  test('the watchdog restarts the service when its event loop stops', async () => {
    const { MainPID } = await untilShown(runs)
    inside('kill', '-STOP', MainPID!)
    await untilShown(({ Result }) => Result === 'watchdog')
    const again = await untilShown((properties) => runs(properties) && properties.MainPID !== MainPID)
    expect(again).toMatchObject({ NRestarts: '1', Result: 'success' })
  })

  test('the service stops with exit code 0', async () => {
    await untilShown(runs)
    inside('systemctl', 'stop', 'introspectd')
    expect(shown()).toMatchObject({ SubState: 'dead', Result: 'success', ExecMainStatus: '0' })
    // Compiled code for the next start.
    expect(inside('find', '/var/cache/private/introspectd/compiled', '-type', 'f')).not.toBe('')
  })
})
