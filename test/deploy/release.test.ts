/** Tests the files of a release: the npm package, the Debian package, which is started, the SBOM and the checksums. */

import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from '../support/live.ts'

const root = new URL('../../', import.meta.url).pathname
const path = `${dirname(process.execPath)}:${process.env.PATH}`
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly dependencies: object
  readonly devDependencies: object
}
const { version } = manifest
const directory = mkdtempSync(join(tmpdir(), 'introspectd-release-test-'))
const unpacked = join(directory, 'unpacked')
let deb: string

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd: directory, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })

beforeAll(async () => {
  const script = join(root, 'tools/release/main.ts')
  await promisify(execFile)(process.execPath, [script, directory, '--draft'], { cwd: root })
  const architecture = run('dpkg', '--print-architecture').trim()
  deb = `introspectd_${version}_${architecture}.deb`
  run('dpkg', '-x', deb, unpacked)
}, 300_000)

afterAll(() => rmSync(directory, { recursive: true }))

test('the checksums are those of the three files', () => {
  const checked = run('sha256sum', '--check', '--strict', 'SHA256SUMS').trim().split('\n')
  expect(checked).toEqual([`introspectd-${version}.tgz: OK`, `introspectd-${version}.cdx.json: OK`, `${deb}: OK`])
})

test('the service of the Debian package starts where it is unpacked, reads the machine and ends with status 0', async () => {
  const live = await Live.start([], {
    command: [join(unpacked, 'usr/bin/introspectd')],
    cwd: '/',
    env: { PATH: path, NODE_OPTIONS: undefined },
  })
  expect(await live.get('/sys/proc/self')).toMatchObject({ name: 'introspectd', pid: live.pid })
  expect((await fetch(`${live.url}/docs/static/swagger-ui-bundle.js`)).status).toBe(200)
  expect(live.output.stderr).toBe('')
  expect(await live.stop()).toBe(0)
})

test('the Debian package has the version, needs a Node that runs it, and belongs to root alone', () => {
  const fields = run('dpkg-deb', '--field', deb)
  expect(fields).toContain(`Version: ${version}\n`)
  expect(fields).toContain('Depends: libc6, nodejs (>= 24)\n')
  const lines = run('dpkg-deb', '--contents', deb).trim().split('\n')
  expect(lines.filter((line) => !line.includes(' root/root '))).toEqual([])
  // Nobody but the owner may write, and nothing has the setuid bit.
  expect(lines.filter((line) => !/^([d-]rw[x-]r-[x-]r-[x-]|l)/.test(line))).toEqual([])
  const names = lines.map((line) => line.split(/ \.\//)[1]!)
  const top = new Set(names.filter(Boolean).map((name) => name.split('/').slice(0, 2).join('/')))
  expect([...top].filter((name) => !name.endsWith('/')).sort()).toEqual([
    'etc/default',
    'usr/bin',
    'usr/lib',
    'usr/share',
  ])
  expect(statSync(join(unpacked, 'usr/bin/introspectd')).mode & 0o777).toBe(0o755)
})

test('the unit of the Debian package is that of the project, and finds its program in /usr/bin', () => {
  const unit = readFileSync(join(unpacked, 'usr/lib/systemd/system/introspectd.service'), 'utf8')
  expect(unit).toBe(readFileSync(join(root, 'deploy/introspectd.service'), 'utf8'))
  expect(unit).toMatch(/^ExecStart=introspectd serve$/m)
  expect(unit).toMatch(/^EnvironmentFile=-\/etc\/default\/introspectd$/m)
  expect(existsSync(join(unpacked, 'etc/default/introspectd'))).toBe(true)
})

test('the scripts of the Debian package are valid shell', () => {
  run('dpkg-deb', '--control', deb, 'control')
  for (const name of ['postinst', 'prerm', 'postrm']) run('sh', '-n', join(directory, 'control', name))
  expect(readFileSync(join(directory, 'control/conffiles'), 'utf8')).toBe('/etc/default/introspectd\n')
})

test('removal of the Debian package leaves the journal, and purge deletes it', () => {
  const system = join(directory, 'system')
  const journal = join(system, 'var/lib/private/introspectd/journal.sqlite')
  for (const folder of ['var/lib/dpkg/updates', 'var/lib/dpkg/info', 'var/lib/private/introspectd'])
    mkdirSync(join(system, folder), { recursive: true })
  for (const file of ['var/lib/dpkg/status', 'var/lib/dpkg/available']) writeFileSync(join(system, file), '')
  const apart = ['--force-depends', '--force-script-chrootless', '--force-not-root', '--log=/dev/null']
  const dpkg = (...args: string[]) => execFileSync('dpkg', [`--root=${system}`, ...apart, ...args], { stdio: 'pipe' })
  dpkg('--install', join(directory, deb))
  writeFileSync(journal, '')
  expect(existsSync(join(system, 'usr/bin/introspectd'))).toBe(true)
  dpkg('--remove', 'introspectd')
  expect(existsSync(join(system, 'usr/bin/introspectd'))).toBe(false)
  expect([existsSync(journal), existsSync(join(system, 'etc/default/introspectd'))]).toEqual([true, true])
  dpkg('--purge', 'introspectd')
  expect([existsSync(journal), existsSync(join(system, 'etc/default/introspectd'))]).toEqual([false, false])
})

interface Sbom {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly { readonly name: string; readonly version: string; readonly licenses?: object[] }[]
}

test('the SBOM lists what the Debian package contains: every library with its version and license, and no tools', () => {
  const sbom = JSON.parse(readFileSync(join(directory, `introspectd-${version}.cdx.json`), 'utf8')) as Sbom
  expect(sbom.bomFormat).toBe('CycloneDX')
  expect(sbom.metadata.component).toMatchObject({ name: 'introspectd', version })
  const names = sbom.components.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(Object.keys(manifest.dependencies)))
  expect(names.filter((name) => Object.hasOwn(manifest.devDependencies, name))).toEqual(
    // The service needs these too, below other libraries.
    names.filter((name) => ['ajv', 'ajv-formats', 'ws'].includes(name)),
  )
  for (const { name, version: ofLibrary } of sbom.components.filter(({ name: one }) => one === 'fastify')) {
    const installed = join(unpacked, 'usr/lib/introspectd/node_modules', name, 'package.json')
    expect(JSON.parse(readFileSync(installed, 'utf8'))).toMatchObject({ version: ofLibrary })
  }
  expect(sbom.components.filter(({ licenses = [] }) => licenses.length === 0).map(({ name }) => name)).toEqual([])
})
