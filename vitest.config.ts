import { defineConfig } from 'vitest/config'

/** What looks at this machine as a whole, loads it or is timed by it: these run one after the other, and beside nothing else. */
const ofMachine = [
  'test/live/**/*.test.ts',
  'test/runtime/supervisor.test.ts',
  'test/deploy/systemd.test.ts',
  'test/sources/linux/{processes/connector-worker,locks/lock-watch,scan/scan-as-other,scan/scan-worker,locks/settled-locks}.test.ts',
]
const all = ['test/**/*.test.ts']

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: 'test/support/contract/provide.ts',
    setupFiles: 'test/support/contract/setup.ts',
    env: {
      // What tests start is mostly this same service, hundreds of times: it is compiled once.
      NODE_COMPILE_CACHE: new URL('test/.build/compiled', import.meta.url).pathname,
      // Services that tests start are not in each other's way: those that keep something say where.
      INTROSPECTD_DATA: 'memory',
    },
    projects: [
      {
        extends: true,
        test: { name: 'pure', include: all, exclude: ofMachine, maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      { extends: true, test: { name: 'live', include: ofMachine, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
})
