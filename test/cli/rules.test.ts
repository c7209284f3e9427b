/** Tests `introspectd rules check`. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runHere } from '../support/command-line.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-rules-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

test('files, directories and configuration files are checked, and every fault has its file and line', async () => {
  const config = join(directory, 'introspectd.conf')
  writeFileSync(config, 'port: 7008\nthresholds:\n  /sys/fds/threshold/a: 5\n')
  writeFileSync(join(directory, 'a\nb.yaml'), 'timeouts:\n  /sys/timeout: 5s\n')
  const good = await runHere(['rules', 'check', config, directory])
  expect(good).toMatchObject({ code: 0, stdout: '1 threshold and 1 timeout, no faults\n', stderr: '' })
  writeFileSync(join(directory, 'b.yaml'), 'port: 7008\nthresholds:\n  /sys/fds/threshold/a: -5\n')
  writeFileSync(join(directory, 'c.yaml'), Buffer.from([0xff]))
  const bad = await runHere(['rules', 'check', config, directory, join(directory, 'none')])
  expect([bad.code, bad.stdout]).toEqual([1, ''])
  expect(bad.stderr.replaceAll(directory, '').split('\n')).toEqual([
    expect.stringMatching(/^\/b.yaml:1: there is no key port/),
    expect.stringMatching(/^\/b.yaml:3: at: Too small/),
    '/c.yaml: it is not UTF-8 text',
    expect.stringMatching(/^\/none: it cannot be read: ENOENT/),
    '',
  ])
})

test('the rules that are delivered have no faults', async () => {
  const rules = new URL('../../deploy/rules.d', import.meta.url).pathname
  expect(await runHere(['rules', 'check', rules])).toMatchObject({
    code: 0,
    stdout: '5 thresholds and 1 timeout, no faults\n',
  })
})
