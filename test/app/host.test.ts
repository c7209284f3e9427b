/** Tests the model's scenario at the start of the service: unmet expectations are logged. */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { hostKernel } from '../../src/app/host.ts'
import type { Config } from '../../src/config/settings.ts'
import { ServiceClock } from '../../src/runtime/clock.ts'

/** Starts and stops a model with a scenario that expects a state, and returns the log records. */
async function startWith(expected: string): Promise<{ file: string; logged: Record<string, unknown>[] }> {
  const file = join(mkdtempSync(join(tmpdir(), 'introspectd-')), 'scenario.yaml')
  writeFileSync(
    file,
    `title: t\nprocesses: { a: { threads: { main: [] } } }\nexpect: { states: { $a.main: ${expected} } }\n`,
  )
  const logged: Record<string, unknown>[] = []
  const logger = pino({}, { write: (line: string) => void logged.push(JSON.parse(line)) })
  const { source } = await hostKernel({ source: 'model', clock: 'virtual', scenario: file } as Config, {
    logger,
    clock: new ServiceClock(),
  })
  await source.start()
  await source.stop()
  return { file, logged }
}

test('unmet expectations of a scenario are logged when the service starts', async () => {
  const { file, logged } = await startWith('DEAD')
  expect(logged).toMatchObject([
    { level: 40, file, differences: [{ line: 3, message: expect.stringContaining('expected "DEAD", got "READY"') }] },
  ])
})

test('a scenario that meets its expectations logs nothing', async () => {
  expect((await startWith('READY')).logged).toEqual([])
})
