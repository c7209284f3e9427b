/** Checks the architecture: layers, purity of the kernel, and that generated files match their sources. */

import { execFileSync } from 'node:child_process'
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { pages } from '../docs/reference/generate.ts'
import { openApi } from '../src/http/openapi.ts'
import { problemTypes, statusOfErrno } from '../src/http/problems.ts'
import { type Errno, errnos } from '../src/kernel/errno.ts'
import { eventTypes } from '../src/kernel/events.ts'
import { limits } from '../src/kernel/limits/table.ts'
import { definitions } from '../src/tree/tree.ts'
import { clientTypes } from './client/generate.ts'
import { composers, mayImport, roomOf } from './style/layers.ts'
import { readProject } from './style/project.ts'
import { allowancesPath, complaints, countsOf, readAllowances } from './style/ratchet.ts'
import { structureRules } from './style/rules.ts'
import { tiers } from './support/tiers.ts'

const root = new URL('..', import.meta.url).pathname
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const textOf = (name: string) => readFileSync(join(root, 'src', name), 'utf8')
const text = (name: string) => readFileSync(join(root, name), 'utf8')

function importsOf(name: string): string[] {
  return [
    ...textOf(name).matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, from, bare, dynamic]) => (from ?? bare ?? dynamic)!)
}

const files = readProject(root)
const allowances = readAllowances(join(root, allowancesPath))

test.each(structureRules.map((rule) => [rule.summary, rule] as const))('%s', (_, { name, find }) => {
  expect(complaints(name, countsOf(find(files)), allowances[name] ?? {})).toEqual([])
})

test('the table of layers has a row for each room', () => {
  const rooms = new Set(sources.map((name) => roomOf(`src/${name}`)))
  const known = [...composers, ...Object.keys(mayImport)]
  expect([...rooms].filter((room) => !known.includes(room))).toEqual([])
})

test('the kernel is pure: nothing of Node, no library, no clock, no timer, nothing asynchronous', () => {
  for (const name of sources.filter((file) => file.startsWith('kernel/'))) {
    expect([name, importsOf(name).filter((target) => !target.startsWith('.'))]).toEqual([name, []])
    expect([
      name,
      /\b(Date\.now|new Date\(\)|performance\.|Math\.random|set(Timeout|Interval|Immediate)|await|async)\b/.exec(
        textOf(name),
      )?.[0],
    ]).toEqual([name, undefined])
  }
})

test('the client uses only browser APIs: no library, no module of Node', () => {
  // TLS options are for Node: that file is loaded on use, and package.json leaves it out of bundles for browsers.
  expect(importsOf('client/tls.ts').filter((target) => !target.startsWith('./'))).toEqual(['undici'])
  const { browser } = JSON.parse(text('package.json')) as { browser: Record<string, unknown> }
  expect(browser).toEqual({ './dist/client/tls.js': false })
  for (const name of sources.filter((file) => file.startsWith('client/') && file !== 'client/tls.ts'))
    expect([name, importsOf(name).filter((target) => !target.startsWith('./'))]).toEqual([name, []])
})

test('only the hook writes counters', () => {
  // Readings holds them as a protected member, and only the two halves of the hook extend it.
  const importers = sources.filter((name) => importsOf(name).some((target) => target.endsWith('/counters.ts')))
  expect(importers).toEqual(['kernel/limits/readings.ts'])
  const hook = ['kernel/limits/counting.ts', 'kernel/limits/usage.ts']
  expect(sources.filter((name) => /\bextends (Readings|Counting)\b/.test(textOf(name)))).toEqual(hook)
  const writes =
    /\b(rooms?|peak|known|dirty|up|changes)(\[[^\]]+\]!?)+\s*(=[^=]|[-+*/|]=|\+\+|--)|\b(unreadable|estimated|capacity|at)\[[^\]]+\]!?\.(set|add|forget)\(/
  const writers = sources.filter((name) => name.startsWith('kernel/') && writes.test(textOf(name)))
  expect(writers.sort()).toEqual(['kernel/limits/counters.ts', ...hook])
})

test('the environment is read in one place', () => {
  expect(sources.filter((name) => textOf(name).includes('process.env'))).toEqual(['config/environment.ts'])
})

test('openapi.yaml matches the tree and is valid OpenAPI', async () => {
  const made = openApi((JSON.parse(text('package.json')) as { version: string }).version)
  expect(parse(text('openapi.yaml'))).toEqual(made)
  expect(await new Validator().validate(structuredClone(made))).toEqual({ valid: true })
})

test('no schema of openapi.yaml refers only to itself, and names are unique', () => {
  const { components } = openApi('0.0.0') as { components: { schemas: Record<string, { $ref?: string }> } }
  const empty = Object.entries(components.schemas).filter(([, { $ref }]) => $ref !== undefined)
  expect(empty).toEqual([])
  const ids = sources.flatMap((name) => [...textOf(name).matchAll(/\.meta\(\{ id: '(\w+)'/g)].map(([, id]) => id!))
  expect(ids.filter((id, place) => ids.indexOf(id) !== place)).toEqual([])
})

test('src/client/routes.ts matches the tree (npm run client-types)', async () => {
  const { version } = JSON.parse(text('package.json')) as { version: string }
  expect(text('src/client/routes.ts')).toBe(await clientTypes(version))
})

test('every errno has a status, which is 409 unless the request itself is at fault', () => {
  const all = Object.keys(errnos) as Errno[]
  const others = all.filter((errno) => statusOfErrno(errno) !== 409).map((errno) => [errno, statusOfErrno(errno)])
  expect(Object.fromEntries(others)).toEqual({ EACCES: 403, EINVAL: 400, ENOENT: 404, EPERM: 403, ESRCH: 404 })
})

const documented = (page: string) => new Set([...text(page).matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name))

test('the reference documents each limit, event, problem and path, and no others', () => {
  expect(documented('docs/reference/limits.md')).toEqual(new Set(limits.map(({ name }) => name)))
  expect(documented('docs/reference/events.md')).toEqual(
    new Set([...eventTypes.map(({ type }) => type), 'snapshot.node', 'bookmark', 'error']),
  )
  expect(documented('docs/reference/errors.md')).toEqual(
    new Set([...Object.keys(problemTypes), ...Object.keys(errnos)]),
  )
  const leaves = definitions.flatMap(({ under, leaf }) => under.map((level) => `${level} ${leaf}`.trim()))
  expect(documented('docs/reference/paths.md')).toEqual(new Set(leaves))
})

test.each(Object.entries(pages))('docs/reference/%s matches the source (npm run reference)', (name, renew) => {
  const page = text(`docs/reference/${name}`)
  expect(page).toBe(renew(page))
})

test('no file of the project names a package registry', () => {
  const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')
  expect(tracked.filter((name) => name === 'package-lock.json' && text(name).includes('"resolved"'))).toEqual([])
})

test('tests that start programs have a row in a tier', () => {
  const rows = Object.values(tiers).flatMap((patterns) => globSync([...patterns], { cwd: root }))
  const unit = globSync('test/**/*.test.ts', { cwd: root }).filter((name) => !rows.includes(name))
  const starts = /from '(node:child_process|\S+\/support\/(certificates|live|programs|pty|running)\.ts)'/
  expect(unit.filter((name) => starts.test(text(name)))).toEqual([])
})
