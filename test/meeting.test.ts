/** Runs every shell command of docs/meeting.md and compares its output with the printed one. */

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Live } from './support/live.ts'

const page = readFileSync(new URL('../docs/meeting.md', import.meta.url), 'utf8')
const root = new URL('..', import.meta.url).pathname
const run = promisify(execFile)

/** Each question with its script and the expected output. */
const rows = page
  .split(/^## /m)
  .slice(1)
  .map((section) => {
    const [script = '', printed = ''] = [...section.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block]) => block!)
    return { question: section.slice(0, section.indexOf('\n')), script, printed }
  })

let machine: Live
let model: Live

beforeAll(async () => {
  machine = await Live.start()
  model = await Live.start(['--source', 'model'])
})

afterAll(() => Promise.all([machine.stop(), model.stop()]))

const placeOf = ({ url }: Live): string => new URL(url).host.replace('127.0.0.1', 'localhost')

/** In the expected output `…` matches any text. */
const patternOf = (printed: string): RegExp =>
  new RegExp(
    `^${printed
      .split('…')
      .map((part) => RegExp.escape(part))
      .join('[\\s\\S]*?')}$`,
  )

test('each question is unique and has a command with its output', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(new Set(rows.map(({ question }) => question)).size).toBe(rows.length)
  for (const { question, script, printed } of rows)
    expect([question, script === '', printed === '']).toEqual([question, false, false])
})

test('every source file that the page names exists', () => {
  const named = [...page.matchAll(/`(src\/[^`]+)`/g)].map(([, path]) => path!)
  expect(named.length).toBeGreaterThanOrEqual(rows.length)
  expect(named.filter((path) => !existsSync(`${root}${path}`))).toEqual([])
})

test.each(rows)('$question', async ({ script, printed }) => {
  const here = script.replaceAll('localhost:7007', placeOf(machine)).replaceAll('localhost:7008', placeOf(model))
  const { stdout } = await run('bash', ['-c', here], { cwd: root })
  expect(stdout).toMatch(patternOf(printed))
})
