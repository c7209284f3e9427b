import { describe, expect, test } from 'vitest'
import { kernelCallNames } from '../../../src/model/calls/table.ts'
import { callArguments } from '../../../src/tree/calls.ts'
import { docstrings } from './docstrings.ts'

// That what they say of errnos and states is what happens, the random sequences hold them to.
describe('the docstring of', () => {
  for (const call of kernelCallNames) {
    test(`${call} tells each argument, what blocks, and the page of QNX that it follows`, () => {
      const { text, params, states } = docstrings.get(call)!
      expect(text).toMatch(new RegExp(`^${call}: `))
      expect(params).toEqual(Object.keys(callArguments[call].shape))
      expect(text.includes('Does not block') || states.size > 0).toBe(true)
      expect(text).toMatch(/\b(QNX: \w+\(\)|Not in QNX: the model runs no programs, and a client says what they use)\./)
    })
  }
})
