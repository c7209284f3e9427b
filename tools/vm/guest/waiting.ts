/** Waits, with a bound, for something to become true on a slow machine. */

import { setTimeout as delay } from 'node:timers/promises'
import type { Client, EventPattern, ServiceEvent } from 'introspectd/client'

const msMax = 120_000

/** Returns the first value that is not null. The error has the last text of `seen`. */
export async function until<T>(what: string, find: () => Promise<T | null>, seen: () => string = () => ''): Promise<T> {
  const end = performance.now() + msMax
  for (;;) {
    const found = await find()
    if (found !== null) return found
    if (performance.now() > end) throw new Error(`after ${msMax / 1000} s there is no ${what}. ${seen()}`)
    await delay(200)
  }
}

interface Wanted<Types extends readonly EventPattern[]> {
  readonly types: Types
  /** Cursor from before the work began. */
  readonly after: string
  readonly is: (event: ServiceEvent) => boolean
}

/** The first event at `/sys` that matches. */
export async function eventOf<const Types extends readonly EventPattern[]>(
  client: Client,
  { types, after, is }: Wanted<Types>,
): Promise<ServiceEvent> {
  const seen: string[] = []
  const signal = AbortSignal.timeout(msMax)
  try {
    for await (const item of client.watch('/sys', { types, after, signal })) {
      if (item.type === 'state') continue
      const event = item as ServiceEvent
      if (is(event)) return event
      seen.push(`${event.type} ${event.subject}`)
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  throw new Error(`no such event after ${msMax / 1000} s, but ${seen.slice(-5).join(', ') || 'none'}`)
}
