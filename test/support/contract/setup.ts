/** Loaded before each test file: whatever a service answers while it runs is held to openapi.yaml, and what it streams to asyncapi.yaml. */

import { afterAll, afterEach, expect } from 'vitest'
import { hear, takeViolations } from './heard.ts'
import { observe } from './observe.ts'

observe(hear)

async function expectNone(): Promise<void> {
  expect(await takeViolations(), 'what openapi.yaml or asyncapi.yaml does not allow').toEqual([])
}

afterEach(expectNone)
afterAll(expectNone)
