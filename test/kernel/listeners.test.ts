/** Tests the list of listeners: the order of calls, and adding and removing while a value is emitted. */

import { expect, test } from 'vitest'
import { Listeners } from '../../src/kernel/listeners.ts'

test('emitting a value calls every listener in the order in which they were added', () => {
  const listeners = new Listeners<number>()
  const calls: string[] = []
  listeners.add((value) => calls.push(`first ${value}`))
  listeners.add((value) => calls.push(`second ${value}`))
  listeners.add((value) => calls.push(`third ${value}`))
  listeners.notify(1)
  listeners.notify(2)
  expect(calls).toEqual(['first 1', 'second 1', 'third 1', 'first 2', 'second 2', 'third 2'])
})

test('a disposed listener gets no more values, and the others still do', () => {
  const listeners = new Listeners<number>()
  const [removed, remaining]: number[][] = [[], []]
  const dispose = listeners.add((value) => removed!.push(value))
  listeners.add((value) => remaining!.push(value))
  listeners.notify(1)
  dispose()
  listeners.notify(2)
  expect({ removed, remaining }).toEqual({ removed: [1], remaining: [1, 2] })
})

test('disposing twice removes one entry of a function that was added twice', () => {
  const listeners = new Listeners<number>()
  const values: number[] = []
  const listener = (value: number) => values.push(value)
  const dispose = listeners.add(listener)
  listeners.add(listener)
  dispose()
  dispose()
  listeners.notify(1)
  expect(values).toEqual([1])
})

test('a listener may dispose itself while a value is emitted, and the others are still called', () => {
  const listeners = new Listeners<number>()
  const calls: string[] = []
  listeners.add((value) => calls.push(`before ${value}`))
  const dispose = listeners.add((value) => {
    calls.push(`once ${value}`)
    dispose()
  })
  listeners.add((value) => calls.push(`after ${value}`))
  listeners.notify(1)
  listeners.notify(2)
  expect(calls).toEqual(['before 1', 'once 1', 'after 1', 'before 2', 'after 2'])
})

test('a listener that is added or disposed while a value is emitted changes only the next emission', () => {
  const listeners = new Listeners<number>()
  const calls: string[] = []
  listeners.add((value) => {
    calls.push(`first ${value}`)
    if (value > 1) return
    disposeLast()
    listeners.add((later) => calls.push(`added ${later}`))
  })
  const disposeLast = listeners.add((value) => calls.push(`last ${value}`))
  listeners.notify(1)
  listeners.notify(2)
  expect(calls).toEqual(['first 1', 'last 1', 'first 2', 'added 2'])
})
