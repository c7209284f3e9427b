/** Tests how npm scripts find a Node: the installed one, a newer one in PATH, or one line that says what to do. */

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'

const root = new URL('../../', import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), 'introspectd-node-'))

afterAll(() => rmSync(folder, { recursive: true }))

function write(path: string, text: string, mode = 0o755): string {
  const file = join(folder, path)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, text)
  chmodSync(file, mode)
  return file
}

/** Lets this Node believe that it is an older one. */
const old = write(
  'old.mjs',
  `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })`,
)
write('broken/node', '#!/lib/ld-of-another-libc.so\n')
write('older/node', '#!/bin/sh\necho v22.1.0\n')
write('newer/node', '#!/bin/sh\nif [ "$1" = --version ]; then echo v24.1.0; else echo "newer: $*"; exit 7; fi\n')

const run = (words: readonly string[], { path = [], isOld = false }: { path?: string[]; isOld?: boolean }) => {
  const [flags, directories] = [isOld ? ['--import', old] : [], path.map((name) => join(folder, name)).join(':')]
  const { status, stdout, stderr } = spawnSync(process.execPath, [...flags, 'tools/run.mjs', ...words], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: directories },
  })
  return { status, stdout, stderr }
}

test('a Node that is new enough runs the file itself, with its arguments', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  expect(run(['src/main.ts', '--version'], {})).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
})

test('an old Node lets a newer one in PATH run the file, and passes its exit code on', () => {
  expect(run(['src/main.ts', 'serve', '--port', '0'], { isOld: true, path: ['broken', 'older', 'newer'] })).toEqual({
    status: 7,
    stdout: 'newer: src/main.ts serve --port 0\n',
    stderr: '',
  })
})

test('without a newer one, one line says what to do', () => {
  const { status, stdout, stderr } = run(['src/main.ts'], { isOld: true, path: ['broken', 'older'] })
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toMatch(/^introspectd: needs Node 24 or newer, and this is 20\.20\.2: run "npm ci" .*\n$/)
})

test('an installed Node that does not run here is removed, so that the one in PATH is used', () => {
  const clean = () => spawnSync('sh', [join(root, 'tools/usable-node.sh')], { cwd: folder, encoding: 'utf8' })
  expect(clean()).toMatchObject({ status: 0, stderr: '' })
  const installed = write('node_modules/.bin/node', '#!/bin/sh\necho v24.1.0\n')
  expect(clean()).toMatchObject({ status: 0, stderr: '' })
  expect(existsSync(installed)).toBe(true)
  write('node_modules/.bin/node', '#!/lib/ld-of-another-libc.so\n')
  expect(clean()).toMatchObject({ status: 0, stderr: expect.stringContaining('does not run on this system') })
  expect(existsSync(installed)).toBe(false)
})

test('every npm script that runs TypeScript of this project runs it in this way', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const direct = Object.entries(scripts).filter(([, script]) => /\bnode (?!tools\/run\.mjs)/.test(script))
  expect(direct).toEqual([])
  expect(scripts.prepare).toContain('tools/usable-node.sh')
})
