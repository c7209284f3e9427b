/**
 * Loaded before each test file: checks every response of a service against openapi.yaml, and every event against the
 * schema of its type.
 */

import { afterAll, afterEach, expect } from 'vitest'
import { observe } from './observe.ts'
import { checkExchange, takeViolations } from './violations.ts'

observe(checkExchange)

async function expectNone(): Promise<void> {
  expect(await takeViolations(), 'violations of openapi.yaml or asyncapi.yaml').toEqual([])
}

afterEach(expectNone)
afterAll(expectNone)
