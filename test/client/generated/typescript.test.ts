/**
 * Tests that generators of npm make clients from the OpenAPI document that compile and work against a real service,
 * each with its default settings. Linters find no fault in the document.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cachedPackages } from '../../support/cached-packages.ts'
import { Workplace } from './clients.ts'

const tools = cachedPackages({
  '@hey-api/openapi-ts': '0.99.0',
  '@redocly/cli': '2.77.0',
  '@stoplight/spectral-cli': '6.16.3',
  '@types/node': '24.19.2',
  'openapi-fetch': '0.17.0',
  'openapi-typescript': '7.13.0',
  orval: '8.38.0',
  typescript: '5.9.3',
})

const bin = (name: string): string => join(tools!, 'node_modules/.bin', name)

describe.skipIf(tools === null)('with tools of npm', () => {
  test('openapi-typescript and openapi-fetch: six operations', async () => {
    const workplace = await Workplace.create('3.1')
    await workplace.run(bin('openapi-typescript'), ['openapi.json', '-o', 'generated.ts'])
    await workplace.check(process.execPath, [await workplace.compile('openapi-fetch', tools!)])
  }, 120_000)

  test('hey-api: six operations', async () => {
    const workplace = await Workplace.create('3.1')
    await workplace.run(bin('openapi-ts'), ['-i', 'openapi.json', '-o', 'generated'])
    await workplace.check(process.execPath, [await workplace.compile('hey-api', tools!)])
  }, 120_000)

  test('orval: six operations', async () => {
    const workplace = await Workplace.create('3.1')
    const output = { target: './generated.ts', client: 'fetch', baseUrl: workplace.live.url }
    const config = { introspectd: { input: './openapi.json', output } }
    writeFileSync(workplace.path('orval.config.cjs'), `module.exports = ${JSON.stringify(config)}`)
    await workplace.run(bin('orval'), ['--config', 'orval.config.cjs'])
    await workplace.check(process.execPath, [await workplace.compile('orval', tools!)])
  }, 120_000)

  test.each(['3.1', '3.0'] as const)(
    'Spectral finds nothing in the document of OpenAPI %s',
    async (version) => {
      const workplace = await Workplace.create(version)
      writeFileSync(workplace.path('.spectral.yaml'), 'extends: ["spectral:oas"]\n')
      const output = await workplace.run(bin('spectral'), ['lint', 'openapi.json', '--fail-severity', 'hint'])
      expect(output).toContain('No results')
    },
    120_000,
  )

  test.each(['3.1', '3.0'] as const)(
    'Redocly finds nothing in the document of OpenAPI %s',
    async (version) => {
      const workplace = await Workplace.create(version)
      const off = [
        // The names in {limit} are an enum without `thread`, `part` and the like, so no two paths match the same URL.
        'no-ambiguous-paths',
        // The names are in `propertyNames`, where the rule does not look.
        'no-required-schema-properties-undefined',
        // Schemas of lines and of deeper parts are referred to in extensions.
        'no-unused-components',
      ]
      const rules = Object.fromEntries(off.map((rule) => [rule, 'off']))
      writeFileSync(workplace.path('redocly.yaml'), JSON.stringify({ extends: ['recommended'], rules }))
      const env = { REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
      const output = await workplace.run(bin('redocly'), ['lint', 'openapi.json', '--format', 'json'], env)
      const { totals } = JSON.parse(output) as { totals: object }
      expect(totals).toMatchObject({ errors: 0, warnings: 0 })
    },
    120_000,
  )
})
