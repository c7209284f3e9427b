/** Checks the events that the model emits in all shipped scenarios against the event schemas. */

import { expect, test } from 'vitest'
import type { KernelEvent } from '../../src/kernel/events.ts'
import { World } from '../model/world.ts'
import { runText, shipped, textOf } from '../scenario/support.ts'
import { wrongData } from '../support/contract/events.ts'

test('every event of every scenario matches the schema of its type', () => {
  const seen = new Set<string>()
  const wrong = shipped.flatMap((name) => {
    const world = new World()
    const events: KernelEvent[] = []
    world.kernel.onEvent((event) => events.push(event))
    runText(textOf(name), world)
    for (const { type } of events) seen.add(type)
    return events.flatMap(wrongData)
  })
  expect([...new Set(wrong)]).toEqual([])
  expect(seen.size).toBeGreaterThan(10)
})
