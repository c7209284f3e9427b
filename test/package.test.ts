/** Tests the npm package as a user gets it: packed, installed in an empty directory, and started. */

import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Live, run } from './support/live.ts'
import { start } from './support/programs.ts'
import { until } from './support/until.ts'

const root = new URL('..', import.meta.url).pathname
const machinesPath = process.env.PATH ?? ''
// npm and npx use the first Node in PATH.
const env = { PATH: `${dirname(process.execPath)}${delimiter}${machinesPath}` }

interface Packed {
  readonly filename: string
  readonly files: readonly { readonly path: string }[]
}

let directory: string
let packed: Packed

const npm = async (cwd: string, args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('npm', args, { cwd, env: { ...process.env, ...env } })).stdout

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-package-'))
  // An unprivileged user must be able to read it.
  chmodSync(directory, 0o755)
  const output = await npm(root, ['pack', '--json', '--pack-destination', directory])
  const [first] = JSON.parse(output.slice(output.indexOf('[\n'))) as Packed[]
  packed = first!
  await npm(directory, ['install', '--no-audit', '--no-fund', join(directory, packed.filename)])
}, 300_000)

afterAll(() => rmSync(directory, { recursive: true }))

const installed = (path: string): string => join(directory, 'node_modules/introspectd', path)

test('the package contains the compiled service, documents for operators, and nothing else', () => {
  const paths = packed.files.map(({ path }) => path)
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    // Only the client can be imported, so only it has type declarations.
    .flatMap((name) => (name.startsWith('client/') ? [name, name.replace(/\.ts$/, '.d.ts')] : [name]))
    .map((name) => `dist/${name.replace(/(?<!\.d)\.ts$/, '.js')}`)
  expect(paths.filter((path) => path.startsWith('dist/')).sort()).toEqual(sources.sort())
  const others = new Set(paths.map((path) => path.split('/')[0]!))
  expect([...others].sort()).toEqual(
    [
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'asyncapi.yaml',
      'deploy',
      'dist',
      'docs',
      'examples',
      'openapi.yaml',
      'package.json',
      'scenarios',
    ].sort(),
  )
})

test('a start uses at most one second of CPU time, once its code is in the cache', async () => {
  const cache = join(directory, 'cache')
  const command = [process.execPath, installed('dist/bin.js')]
  const alone = { NODE_COMPILE_CACHE: undefined, NODE_OPTIONS: undefined, CACHE_DIRECTORY: cache }
  const spent: number[] = []
  for (let times = 0; times < 4; times++) {
    const live = await Live.start([], { command, env: alone })
    const [, fields = ''] = readFileSync(`/proc/${live.pid}/stat`, 'utf8').split(') ')
    const [user, system] = fields.split(' ').slice(11, 13).map(Number)
    spent.push((user! + system!) / 100)
    expect(await live.stop()).toBe(0)
  }
  expect(readdirSync(join(cache, 'compiled')).length).toBeGreaterThan(0)
  // Other load on the machine makes the same work take longer, so the quickest start counts.
  expect(Math.min(...spent)).toBeLessThanOrEqual(1)
})

test('npx starts the service, which serves the tree, the page and events, and ends on SIGTERM with exit code 0', async () => {
  const live = await Live.start([], { command: ['npx', 'introspectd'], cwd: directory, env })
  // Between npx and the service there is a shell, which does not forward signals.
  const { pid } = (await live.get('/sys/proc/self')) as { pid: number }
  let ended = false
  onTestFinished(() => void (ended || process.kill(pid, 'SIGKILL')))
  expect(await (await fetch(`${live.url}/readyz`)).text()).toBe('ok\n')
  const table = await (await fetch(`${live.url}/sys/proc?format=text`)).text()
  expect(table).toMatch(new RegExp(`^ *${pid}  introspectd `, 'm'))
  expect((await fetch(`${live.url}/docs/static/swagger-ui-bundle.js`)).status).toBe(200)
  const watcher = await live.watch('/sys?types=threshold.*')
  const hog = await start('fd-hog', [5, 150])
  await live.until(`/sys/proc/${hog.pid}`, ({ pid: shown }) => shown === hog.pid)
  await live.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 100 })
  const [tripped] = await watcher.until(1)
  expect(tripped).toMatchObject({ type: 'threshold.tripped', subject: `/sys/proc/${hog.pid}/fds` })
  await hog.stop()
  expect(await live.stop('SIGTERM', pid)).toBe(0)
  ended = true
  expect(live.output.stderr).toBe('')
})

test('the service runs on a read-only file system as an unprivileged user', async () => {
  const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs']
  const live = await Live.start([], {
    under: ['unshare', '--mount', 'sh', '-c', readOnly, directory, ...nobody],
    command: [join(directory, 'node_modules/.bin/introspectd')],
    env: { ...env, HOME: '/nonexistent' },
  })
  expect(await live.get('/sys/proc/self')).toMatchObject({ name: 'introspectd', uid: 65_534 })
  expect(await (await fetch(`${live.url}/readyz`)).text()).toBe('ok\n')
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

const refusal = (version: string, words = '') => ({
  code: 1,
  stdout: '',
  stderr: `introspectd: needs Node 24 or newer; this is ${version}. Run: npx -y node@24 ${installed('dist/bin.js')}${words}\n`,
})

test('a Node that reports an older version is refused with one clear line and exit code 1', async () => {
  const older = "Object.defineProperty(process, 'versions', { value: { node: '22.9.0' } })"
  const command = [process.execPath, '--import', `data:text/javascript,${older}`, installed('dist/bin.js')]
  expect(await run(['ps', '--name', "it's"], { command })).toEqual(refusal('22.9.0', " ps --name 'it'\\''s'"))
})

const older = machinesPath
  .split(delimiter)
  .map((place) => ({ place, version: versionIn(place) }))
  .find(({ version }) => version !== null && Number.parseInt(version.slice(1), 10) < 24)

function versionIn(place: string): string | null {
  try {
    return execFileSync(join(place, 'node'), ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return null // There is no Node.
  }
}

// Runs if the machine has an older Node in its PATH.
test.runIf(older)('npx on an older Node is refused with one clear line and exit code 1', async () => {
  const { place, version } = older!
  const path = `${place}${delimiter}${machinesPath}`
  const bin = join(directory, 'node_modules/.bin/introspectd')
  const { code, stderr } = await run(['--version'], {
    command: ['npx', 'introspectd'],
    cwd: directory,
    env: { PATH: path },
  })
  const line = `introspectd: needs Node 24 or newer; this is ${version!.slice(1)}. Run: npx -y node@24 ${bin} --version\n`
  expect([code, stderr]).toEqual([1, line])
  // The line that it prints works as printed.
  const printed = ['sh', '-c', stderr.replace(/^.* Run: /s, '')]
  const { version: own } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(await run([], { command: printed, cwd: directory, env: { PATH: path } })).toMatchObject({
    code: 0,
    stdout: `${own}\n`,
  })
})

const starters = {
  'npx introspectd': () => ({ command: ['npx', 'introspectd'], cwd: directory, env }),
  // The script has the first word of the command line, serve, itself.
  'npm start': () => ({ command: ['sh', '-c', 'shift; exec npm start -- "$@"', 'sh'], cwd: root, env }),
}

test.each([
  ['SIGTERM', 'npx introspectd'],
  ['SIGTERM', 'npm start'],
] as const)('%s to %s ends the service', async (signal, starter) => {
  const live = await Live.start(['--data', 'memory'], starters[starter]())
  const { pid } = (await live.get('/sys/proc/self')) as { pid: number }
  const isThere = () => existsSync(`/proc/${pid}`)
  onTestFinished(() => void (isThere() && process.kill(pid, 'SIGKILL')))
  live.child.kill(signal)
  await until(isThere, (is) => !is)
})

test('only the client can be imported, and it has type declarations', async () => {
  const program = `import { Client, ProblemError } from 'introspectd/client'
console.log(new Client('http://localhost:1/').url, typeof ProblemError)
await import('introspectd').catch(({ code }) => console.log(code))`
  const command = [process.execPath, '--input-type=module', '-e', program]
  expect(await run([], { command, cwd: directory })).toMatchObject({
    stdout: 'http://localhost:1 function\nERR_PACKAGE_PATH_NOT_EXPORTED\n',
  })

  const typed = readFileSync(join(root, 'test/client/typed.ts'), 'utf8')
  writeFileSync(join(directory, 'typed.mts'), typed.replace('../../src/client/client.ts', 'introspectd/client'))
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2024',
    '--module',
    'nodenext',
    '--lib',
    'es2025,esnext,dom,dom.iterable',
  ]
  await promisify(execFile)(join(root, 'node_modules/.bin/tsc'), [...options, 'typed.mts'], { cwd: directory })
})
