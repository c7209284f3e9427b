/** Tests health checks of a real HAProxy in each of its forms. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'
import { until } from '../support/until.ts'

/** The lines of a backend, by its name. */
const forms = {
  'uri-only': ['option httpchk /livez'],
  'method-and-uri': ['option httpchk GET /livez'],
  'version-1.0': ['option httpchk HEAD /readyz HTTP/1.0'],
  'version-1.1-without-host': ['option httpchk GET /readyz HTTP/1.1'],
  'host-in-the-version': ['option httpchk GET /livez HTTP/1.1\\r\\nHost:\\ check.example'],
  'send-with-host': ['option httpchk', 'http-check send meth GET uri /livez ver HTTP/1.1 hdr Host check.example'],
  'expects-text': ['option httpchk', 'http-check send meth GET uri /readyz', 'http-check expect string ok'],
}

const directory = mkdtempSync(join(tmpdir(), 'introspectd-haproxy-'))
const statistics = join(directory, 'statistics.sock')
let live: Live
let haproxy: ChildProcess

beforeAll(async () => {
  live = await Live.start()
  const address = new URL(live.url).host
  const backends = Object.entries(forms).map(([name, lines]) =>
    [`backend ${name}`, ...lines, `server one ${address} check inter 100ms`].join('\n  '),
  )
  const config = join(directory, 'haproxy.cfg')
  const rest = 'defaults\n  mode http\n  timeout connect 5s\n  timeout server 30s\n  timeout client 30s\n'
  writeFileSync(config, `global\n  stats socket ${statistics}\n${rest}${backends.join('\n')}\n`)
  haproxy = spawn('haproxy', ['-db', '-f', config], { stdio: 'inherit' })
})

afterAll(async () => {
  if (haproxy.exitCode === null && haproxy.kill('SIGTERM')) await once(haproxy, 'exit')
  await live.stop()
  rmSync(directory, { recursive: true })
})

/** The state of each backend's server, with the result of its last check. */
async function states(): Promise<Record<string, string>> {
  const socket = connect(statistics)
  socket.end('show stat -1 4 -1\n')
  const [header = '', ...rows] = (await text(socket).catch(() => '')).trim().split('\n')
  const columns = header.replace('# ', '').split(',')
  const cell = (row: string, column: string) => row.split(',')[columns.indexOf(column)] ?? ''
  return Object.fromEntries(
    rows.map((row) => [cell(row, 'pxname'), `${cell(row, 'status')} ${cell(row, 'check_status')}`]),
  )
}

test('every form of its health check finds the service up', async () => {
  const expected = Object.fromEntries(Object.keys(forms).map((name) => [name, 'UP L7OK']))
  await until(states, (seen) => Object.values(seen).length > 0 && Object.values(seen).every((one) => / L7/.test(one)))
  expect(await states()).toEqual(expected)
})
