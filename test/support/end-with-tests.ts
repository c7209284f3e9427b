/** Loaded before each test file: a test that fails ends the processes that it has started. */

import { onTestFailed, TestRunner } from 'vitest'
import { endOnFailure } from './started.ts'

endOnFailure((end) => {
  // Processes that a hook starts for a whole file are not of one test.
  if (TestRunner.getCurrentTest() !== undefined) onTestFailed(end)
})
