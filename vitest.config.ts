import { globSync } from 'node:fs'
import { defineConfig } from 'vitest/config'
import { runEnvironment } from './test/support/end-leftovers.ts'
import { missingPrograms, skippedSuites } from './test/support/required-programs.ts'
import { SkippedSuitesReporter } from './test/support/skipped-suites.ts'

/**
 * The tier of each test file: the first row that matches it; `unit` where none does.
 * `npm test` runs unit, process and machine, in at most three minutes on two idle cores; `npm run test:all` runs soak too.
 * A file with quick and slow tests is split, and the slow part gets a row in `soak`.
 */
const tiers = {
  /** Slow: long runs, floods, large explorations, whole installations. One file at a time. */
  soak: [
    'test/client/browser.test.ts',
    'test/deploy/{dockerfile,systemd}.test.ts',
    'test/faults/{closing,clock,descriptors,disk,directory}.test.ts',
    'test/faults/kill/kills.test.ts',
    'test/http/{fuzz-model,hostile,million-threads,model-turns,state-continued}.test.ts',
    'test/kernel/{many-threads,model-properties}.test.ts',
    'test/kernel/deadlock/{exploration,random-runs}.test.ts',
    'test/live/{flock,prometheus,stress}.test.ts',
    'test/package.test.ts',
    'test/stream/{parking,thousand}.test.ts',
  ],
  /** Needs the whole machine, loads it or measures it. One file at a time. */
  machine: [
    'test/live/**/*.test.ts',
    'test/sources/linux/{connector-worker,lock-watch,scan-as-other,scan-worker,settled-locks}.test.ts',
    'test/supervisor/**/*.test.ts',
  ],
  /** Starts programs. Two files at a time. */
  process: [
    'test/{docs,meeting,start}.test.ts',
    'test/cli/{ask,journal,simulate,top,watch}.test.ts',
    'test/client/{service,typed}.test.ts',
    'test/faults/event-loop.test.ts',
    'test/http/metrics-format.test.ts',
    'test/journal/{definitions,durable,restart}.test.ts',
  ],
} as const satisfies Record<string, readonly string[]>

const root = import.meta.dirname

for (const pattern of Object.values(tiers).flat())
  if (globSync(pattern, { cwd: root }).length === 0)
    throw new Error(`vitest.config.ts: no test file matches ${pattern}`)

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
    setupFiles: 'test/support/contract/setup.ts',
    reporters: ['default', new SkippedSuitesReporter(skipped)],
    env: {
      ...runEnvironment,
      // Most programs that tests start are this service: with a cache it is compiled once.
      NODE_COMPILE_CACHE: new URL('test/.build/compiled', import.meta.url).pathname,
      // Services of tests share no directory: a test that needs one names it.
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
