/** Tests the built client in Chromium: it works in a page of the service's origin, and is refused in others. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { parseTokens } from '../../src/http/security/gate.ts'
import { excludePort } from '../support/contract/violations.ts'
import { Live } from '../support/live.ts'
import { Service } from '../support/service.ts'

const root = new URL('../..', import.meta.url).pathname
const secret = 'sixteen-characters'

let directory: string
let browser: Browser
let service: Service

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-browser-'))
  execFileSync('npx', ['tsc', '-p', 'tsconfig.client.json', '--outDir', join(directory, 'built')], { cwd: root })
  browser = await puppeteer.launch({
    executablePath: execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim(),
    // The sandbox of Chromium does not run as root. The test opens only pages of its own.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    userDataDir: join(directory, 'profile'),
  })
  service = await new Service({ tokens: parseTokens(`ha operate ${secret}`) }).start()
})

afterAll(async () => {
  await browser?.close()
  await service?.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** Opens a page that can import the modules of the client from /built. */
async function pageAt(url: string): Promise<Page> {
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  await page.setRequestInterception(true)
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    if (!pathname.startsWith('/built/')) return void request.continue()
    const body = readFileSync(join(directory, pathname))
    void request.respond({ contentType: 'text/javascript', body })
  })
  await page.goto(url)
  return page
}

/** Runs in the page. */
async function watchAndSet(client: Client) {
  const watch = client.watch('/sys', { types: ['process.created', 'threshold.tripped'], list: true })
  const seen: string[] = []
  for await (const event of watch) {
    seen.push(event.type)
    // This makes the next event.
    if (event.type === 'state') await client.put('/sys/fds/threshold/all', { at: 100 })
    else if (event.type === 'threshold.tripped') return { seen, value: event.data.value }
  }
  return { seen, value: null }
}

/** Runs in the page. */
const readOnce = (client: Client) => client.get('/sys').then(({ status }) => `${status}`, String)

/** Runs a function in the page. It is passed as text, because vitest would rewrite the import. */
const run = (page: Page, what: typeof watchAndSet | typeof readOnce, url: string, token: string): Promise<unknown> =>
  page.evaluate(
    `import('/built/client/client.js').then(({ Client }) => (${what})(new Client('${url}', { token: '${token}' })))`,
  )

test('reads, sets and watches with a token, in a page of the service', async () => {
  const page = await pageAt(`${service.url}/livez`)
  const answer = run(page, watchAndSet, service.url, secret)
  await service.untilStreams(1)
  const process = service.bench.process(42)
  service.bench.observe(process, 'fds', 150)
  expect(await answer).toEqual({ seen: ['state', 'process.created', 'threshold.tripped'], value: 150 })
})

test('a refused request reports status and reason, which a WebSocket in a browser cannot', async () => {
  const page = await pageAt(`${service.url}/livez`)
  expect(await run(page, readOnce, service.url, 'another-sixteen-characters')).toContain(
    '401 A valid token is required: this token is not valid',
  )
})

test('in a page of another origin the service or, if it allows the origin, the browser refuses the client', async () => {
  const other = createServer((_request, response) => response.end('<p>another')).listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const place = `127.0.0.1:${(other.address() as AddressInfo).port}`
  excludePort((other.address() as AddressInfo).port)
  const page = await pageAt(`http://${place}/`)
  expect(await run(page, readOnce, service.url, secret)).toContain('does not answer: Failed to fetch')

  const live = await Live.start(['--source', 'model', '--allow-host', place])
  onTestFinished(() => void live.stop())
  expect((await fetch(`${live.url}/sys`, { headers: { origin: `http://${place}` } })).status).toBe(200)
  expect(await run(page, readOnce, live.url, secret)).toContain('does not answer: Failed to fetch')
})
