import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The live tests measure one machine with two cores: files run one after the other, so that none starves another.
    fileParallelism: false,
  },
})
