/** Configures vitest: each tier of test/support/tiers.ts is a project, and tiers run one after the other. */

import { globSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { runEnvironment } from './test/support/end-leftovers.ts'
import { missingPrograms, skippedSuites } from './test/support/required-programs.ts'
import { SkippedSuitesReporter } from './test/support/skipped-suites.ts'
import { tierOf, tiers } from './test/support/tiers.ts'

const root = import.meta.dirname

for (const pattern of Object.values(tiers).flat())
  if (globSync(pattern, { cwd: root }).length === 0)
    throw new Error(`test/support/tiers.ts: no test file matches ${pattern}`)

const skipped = skippedSuites(missingPrograms(), root)
const skippedFiles = skipped.map(({ file }) => file)

interface Tier {
  readonly name: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly maxWorkers: number
  readonly groupOrder: number
}

/** Tiers run one after the other, in this order. */
const project = ({ name, include, exclude, maxWorkers, groupOrder }: Tier) => ({
  extends: true as const,
  test: {
    name,
    include: [...include],
    exclude: [...exclude, ...skippedFiles],
    maxWorkers,
    sequence: { groupOrder },
  },
})

const { soak, machine, process: starting } = tiers

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ['test/support/contract/provide.ts', 'test/support/end-leftovers.ts'],
    setupFiles: ['test/support/contract/setup.ts', 'test/support/end-with-tests.ts'],
    reporters: ['default', new SkippedSuitesReporter(skipped, (file) => tierOf(file, root))],
    env: {
      ...runEnvironment,
      // Most programs that tests start are this service. The cache avoids compiling it each time.
      NODE_COMPILE_CACHE: new URL('test/.build/compiled', import.meta.url).pathname,
      // Services of tests must not share a data directory. A test that needs one sets it.
      INTROSPECTD_DATA: 'memory',
    },
    projects: [
      project({
        name: 'unit',
        include: ['test/**/*.test.ts'],
        exclude: [...soak, ...machine, ...starting],
        maxWorkers: 2,
        groupOrder: 1,
      }),
      project({ name: 'process', include: starting, exclude: [...soak, ...machine], maxWorkers: 2, groupOrder: 2 }),
      project({ name: 'machine', include: machine, exclude: soak, maxWorkers: 1, groupOrder: 3 }),
      project({ name: 'soak', include: soak, exclude: [], maxWorkers: 1, groupOrder: 4 }),
    ],
  },
})
