/** Computes the time before the next attempt of a delivery, and waits for it. */

import { setTimeout as delay } from 'node:timers/promises'

/** Doubles with each attempt. Up to half of it is random, so that receivers do not get everything at one time. */
export function backoffMs({ firstMs, mostMs }: { firstMs: number; mostMs: number }, attempt: number): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 40))
  return whole / 2 + (Math.random() * whole) / 2
}

/** Resolves also when the signal is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
