import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Services that tests start are not in each other's way: those that keep something say where.
    env: { INTROSPECTD_DATA: 'memory' },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The live tests measure one machine with two cores: files run one after the other, so that none starves another.
    fileParallelism: false,
  },
})
