/** Tests the commented configuration file: the service accepts it, and each line of it that a person enables. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config/read-config.ts'
import { serviceSettings } from '../../src/config/settings.ts'

const file = new URL('../../deploy/introspectd.yaml', import.meta.url).pathname
const text = readFileSync(file, 'utf8')
const directory = mkdtempSync(join(tmpdir(), 'introspectd-config-'))
afterAll(() => rmSync(directory, { recursive: true }))

const lines = text.split('\n').filter((line) => /^#[a-z-]+:/.test(line))
const keyOf = (line: string): string => line.slice(1, line.indexOf(':'))

function configOf(content: string) {
  const path = join(directory, 'introspectd.yaml')
  writeFileSync(path, content)
  return readConfig({ config: path }, {})
}

test('it has every setting of the service, and sets none', () => {
  expect(lines.map(keyOf)).toEqual(serviceSettings.filter(({ secret }) => !secret).map(({ key }) => key))
  expect(readConfig({ config: file }, {})).toEqual({ ...readConfig({}, {}), file })
})

test.each(lines.map((line) => [keyOf(line), line]))('the line of %s can be enabled, and has a value', (key, line) => {
  // A certificate and its key are set together.
  const others = lines.filter((other) => /^tls-/.test(key) && /^#tls-(cert|key)/.test(other) && other !== line)
  const { config } = configOf([line, ...others].map((each) => each.slice(1)).join('\n'))
  const row = serviceSettings.find((setting) => setting.key === key)!
  expect(config[row.name]).toBeDefined()
  if (row.standard !== undefined) expect(config[row.name]).toEqual(readConfig({}, {}).config[row.name])
})

test('no line is longer than a terminal of 120 columns', () => {
  expect(text.split('\n').filter((line) => line.length > 120)).toEqual([])
})
