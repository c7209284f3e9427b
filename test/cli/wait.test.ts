/** Tests `introspectd wait`: each condition before and after it holds, the time limit, and refused conditions. */

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { RunningCommand, runHere } from '../support/command-line.ts'
import { ModelService } from '../support/model-service.ts'
import { until } from '../support/until.ts'

let service: ModelService

beforeEach(async () => {
  service = await new ModelService().start()
  await service.put('/sys/part/web', {})
  await service.post('/sys/proc', { name: 'one', partition: '/sys/part/web' })
  await service.post('/sys/proc', { name: 'two' })
})

afterEach(() => service.stop())

const env = () => ({ INTROSPECTD_URL: service.url })
const waitFor = (...words: string[]) => runHere(['wait', ...words], { env: env() })

/** Starts the command, makes the condition hold once its stream is open, and returns the line that it prints. */
async function waited(words: readonly string[], begin: () => Promise<unknown>): Promise<string> {
  const command = new RunningCommand(['wait', ...words], { env: env() })
  const streams = async () => (await (await service.fetch('/readyz?verbose')).text()).includes('1 open')
  await until(streams, (isOpen) => isOpen)
  await begin()
  expect([await command.ended, command.stderr]).toEqual([0, ''])
  return command.stdout
}

const call = (pid: number, name: string, args: object = {}) =>
  JSON.stringify({ caller: `/sys/proc/${pid}/thread/1`, call: name, ...args })

/** Its only thread locks a mutex twice. */
const deadlock = (pid: number) => service.calls(`${call(pid, 'SyncMutexLock', { mutex: 'm' })}\n`.repeat(2))

describe('wait', () => {
  test('ends when the process has ended', async () => {
    const line = await waited(['2', '--for', 'exit', '--timeout', '1m'], () => service.calls(call(2, 'exit')))
    expect(line).toMatch(/ {2}process\.died +\/sys\/proc\/2 /)
  })

  test('ends when the threshold trips, and at once if it is tripped', async () => {
    await service.put('/sys/channels/threshold/some', { at: 1 })
    const words = ['channels', '--for', 'threshold/some']
    const line = await waited(words, () => service.calls(call(1, 'ChannelCreate')))
    expect(line).toMatch(/ {2}threshold\.tripped +\/sys\/channels /)
    expect(await waitFor(...words)).toEqual({
      code: 0,
      stdout: '/sys/channels/threshold/some is tripped\n',
      stderr: '',
    })
  })

  test.each(['/sys', '1', '1/thread/1', 'part/web'])(
    'ends when a deadlock is detected at %s, and at once if there is one',
    async (path) => {
      const words = [path, '--for', 'deadlock']
      const line = await waited(words, () => deadlock(1))
      expect(line).toMatch(/ {2}deadlock\.detected +\/sys\/deadlocks\/\d+ .*\n$/)
      const { code, stdout } = await waitFor(...words)
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^\/sys\/deadlocks\/\d+: \/sys\/proc\/1\/thread\/1\n$/)])
    },
  )

  test('does not end when a deadlock is detected elsewhere', async () => {
    await deadlock(1)
    for (const path of ['2', 'part/other']) {
      await service.put('/sys/part/other', {})
      expect(await waitFor(path, '--for', 'deadlock', '--timeout', '50ms')).toMatchObject({ code: 124, stdout: '' })
    }
  })

  test('after its time limit ends with exit code 124', async () => {
    expect(await waitFor('1', '--for', 'exit', '--timeout', '20ms')).toEqual({
      code: 124,
      stdout: '',
      stderr: 'introspectd: the end of /sys/proc/1 did not happen within 20ms\n',
    })
  })

  test.each([
    [['9', '--for', 'exit'], /^introspectd: \/sys\/proc\/9 does not exist/],
    [['fds', '--for', 'exit'], /^introspectd: \/sys\/fds is no process; --for exit needs one, as in 42\n$/],
    [['channels', '--for', 'threshold/none'], /threshold\/none does not exist/],
    [['1', '--for', 'rain'], /--for.*expected threshold\/NAME, deadlock or exit/],
    [['1', '--for', 'exit', '--timeout', 'soon'], /--timeout.*expected a duration such as 30s or 5m/],
    [['1'], /--for/],
  ])('%j is refused with one line', async (words, reason) => {
    const { code, stdout, stderr } = await waitFor(...words)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(reason)
    expect(stderr).toMatch(/^introspectd: .*\n$/)
  })
})
