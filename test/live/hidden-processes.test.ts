/** A /proc that hides processes of other users, or has only a part of the usual files, in a mount namespace. */

import { afterEach, describe, expect, test } from 'vitest'
import { Live, run } from '../support/live.ts'
import { nobodyWith } from '../support/nobody-with.ts'
import { startForTest } from '../support/running.ts'

const running: Live[] = []

afterEach(async () => {
  for (const live of running.splice(0)) expect(await live.stop()).toBe(0)
})

/** A command in a mount namespace in which these commands of the shell were run. */
const apart = (script: string) => ['unshare', '--mount', 'bash', '-c', `${script} && exec "$@"`, 'bash']
const often = ['--full-period', '100', '--idle-budget', '100', '--armed-budget', '100']

async function start(under: readonly string[]): Promise<Live> {
  const live = await Live.start(often, { under })
  running.push(live)
  return live
}

const reasonOf = async (live: Live, what: string) => {
  const text = await (await fetch(`${live.url}/readyz?verbose`)).text()
  return text.split('\n').find((line) => line.includes(what)) ?? text
}

describe.each(['hidepid=2', 'hidepid=1'])('a /proc with %s, for a service without rights', (option) => {
  const under = [...apart(`mount -t proc -o ${option} proc /proc`), ...nobodyWith(['NET_ADMIN'])]

  const isHidden = ({ unavailable }: Record<string, unknown>) =>
    /although it is alive|permission denied/.test(String(unavailable))

  test('a process of another user is born, has unknown readings, and dies when it ends', async () => {
    const live = await start(under)
    const { pid, stop } = await startForTest('catch')
    await live.until(`/sys/proc/${pid}`, ({ status }) => status !== 404)
    const watcher = await live.watch(`/sys/proc/${pid}?types=process.died`)
    const reading = await live.until(`/sys/proc/${pid}/memory`, isHidden)
    expect(reading).toMatchObject({ value: null, unreadable: 1 })
    // Each of these becomes unknown after two scans that do not show it.
    for (let count = 0; count < 3; count++) {
      const later = await startForTest('catch')
      await live.until(`/sys/proc/${later.pid}/memory`, isHidden)
    }
    expect(await live.get(`/sys/proc/${pid}`)).toMatchObject({ pid })
    await stop()
    await live.until(`/sys/proc/${pid}`, ({ status }) => status === 404)
    const died = await watcher.until(1)
    expect(died.map(({ subject }) => subject)).toEqual([`/sys/proc/${pid}`])
    expect(died[0]).toMatchObject({ data: { code: 0 } })
  })

  test('is a degradation that names the option, and sums are lower bounds', async () => {
    const live = await start(under)
    expect(await reasonOf(live, 'hidden-processes')).toMatch(/hidepid=/)
    expect(await live.get('/sys/fds')).toMatchObject({ unreadable: expect.any(Number) })
  })
})

test('a service with CAP_SYS_PTRACE is not affected by hidepid', async () => {
  const live = await start(apart('mount -t proc -o hidepid=2 proc /proc'))
  expect(await reasonOf(live, 'hidden-processes')).not.toContain('hidepid')
})

test('with ProcSubset=pid the service ends with one line that says what to change, and is not started again', async () => {
  const under = apart('mount -t proc -o subset=pid proc /proc')
  const { code, stderr } = await run(['serve', '--port', '0'], { under })
  expect([code, stderr]).toEqual([
    78,
    expect.stringMatching(/^introspectd: \/proc is mounted with subset=pid .* remove ProcSubset= [^\n]*\n$/),
  ])
})

test('a process with empty files is there, and only the readings from them are unknown, with the reason', async () => {
  const { pid } = await startForTest('catch')
  // Nothing can be removed from a procfs, so empty files lie over some of its files.
  const hide = `for file in statm timers maps; do mount --bind /dev/null /proc/${pid}/$file; done`
  const live = await start(apart(hide))
  const reading = await live.until(`/sys/proc/${pid}/memory`, ({ unavailable }) => unavailable !== undefined)
  expect(reading).toMatchObject({ value: null, unavailable: 'the kernel reports it in an unknown form' })
  expect(await live.get(`/sys/proc/${pid}/fds`)).toMatchObject({ value: expect.any(Number) })
  expect(await live.get(`/sys/proc/${pid}`)).toMatchObject({ pid, name: 'catch' })
})
