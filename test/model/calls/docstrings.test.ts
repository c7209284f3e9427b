/**
 * Checks that the docstring of each kernel call is complete. model-properties.test.ts checks that the documented errnos
 * and states are the actual ones.
 */

import { describe, expect, test } from 'vitest'
import { kernelCallNames } from '../../../src/model/calls/table.ts'
import { callArguments } from '../../../src/tree/calls.ts'
import { docstrings } from './docstrings.ts'

describe('the docstring of', () => {
  for (const call of kernelCallNames) {
    test(`${call} names each argument, blocked states, and the QNX page`, () => {
      const { text, params, states } = docstrings.get(call)!
      expect(text).toMatch(new RegExp(`^${call}: `))
      expect(params).toEqual(Object.keys(callArguments[call].shape))
      expect(text.includes('Does not block') || states.size > 0).toBe(true)
      expect(text).toMatch(/\b(QNX: \w+\(\)|Not in QNX: the model runs no programs, and a client says what they use)\./)
    })
  }
})
