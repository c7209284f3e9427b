/** Waits for a condition with a time limit; the error shows the last observed value. */

import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'

/** Below the time limit of a test, so that a failure shows the last value and not only that time is up. */
const untilMsMax = 55_000

export interface UntilOptions {
  readonly everyMs?: number
  readonly msMax?: number
  /** Names the awaited value in the error message. */
  readonly what?: string
}

/**
 * Reads again until the value fits.
 * @throws Error with the last value when the time is up; what `read` and `fits` throw
 */
export async function until<Value>(
  read: () => Value | Promise<Value>,
  fits: (value: Value) => boolean | Promise<boolean>,
  { everyMs = 20, msMax = untilMsMax, what = String(fits) }: UntilOptions = {},
): Promise<Value> {
  const deadline = performance.now() + msMax
  for (;;) {
    const value = await read()
    if (await fits(value)) return value
    if (performance.now() > deadline) throw new Error(timeUp({ what, msMax, seen: value }))
    await delay(everyMs)
  }
}

/**
 * Waits for a condition on something that calls `wake` whenever it has changed.
 * One instance serves any number of waits, also at once.
 */
export class Waiter {
  #wakes: (() => void)[] = []

  readonly wake = (): void => {
    for (const wake of this.#wakes.splice(0)) wake()
  }

  /**
   * @param seen what the error message shows when the time is up
   * @throws Error when the time is up; what `holds` throws
   */
  async until(
    holds: () => boolean,
    seen: () => unknown,
    { msMax = untilMsMax, what = String(holds) }: UntilOptions = {},
  ) {
    const deadline = performance.now() + msMax
    while (!holds()) {
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(timeUp({ what, msMax, seen: seen() }))
      await this.#change(left)
    }
  }

  #change(msMax: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, msMax)
    this.#wakes.push(resolve)
    return promise.finally(() => clearTimeout(timer))
  }
}

/** The end of a text that may be long. */
const shownCharactersMax = 4_000

function timeUp({ what, msMax, seen }: { what: string; msMax: number; seen: unknown }): string {
  const text = typeof seen === 'string' ? seen : inspect(seen, { depth: 6 })
  return `after ${msMax / 1000} s it does not hold: ${what}\nlast seen: ${text.slice(-shownCharactersMax)}`
}

/**
 * Waits for a promise, with the same bound.
 * @param seen what the error message shows when the time is up
 */
export async function within<Value>(
  promise: Promise<Value>,
  seen: () => unknown,
  { msMax = untilMsMax, what = 'the promise settles' }: UntilOptions = {},
): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(timeUp({ what, msMax, seen: seen() }))), msMax)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** Reads a stream of text until what was read so far fits. */
export async function readUntil(
  reader: { read(): Promise<{ value?: string | undefined; done: boolean }> },
  fits: (text: string) => boolean,
): Promise<string> {
  let text = ''
  while (!fits(text)) {
    const { value, done } = await within(reader.read(), () => text, { what: String(fits) })
    if (done) throw new Error(`the stream ended before it fits ${fits}: ${text}`)
    text += value
  }
  return text
}
