/** What was heard since it was last asked for, and what is wrong with it. */

import { inject } from 'vitest'
import type { KernelEvent } from '../../../src/kernel/events.ts'
import type { Exchange } from './exchange.ts'
import type { OpenApiCheck } from './openapi.ts'

let check: Promise<OpenApiCheck> | null = null
let pending: Promise<readonly string[]>[] = []

async function violationsOf(exchange: Exchange): Promise<readonly string[]> {
  // Most test files speak no HTTP: they do not pay for it.
  check ??= import('./openapi.ts').then(({ OpenApiCheck }) => new OpenApiCheck(inject('openApi')))
  return [...(await check).violations(exchange), ...(await wrongEvents(exchange))]
}

async function wrongEvents({ headers, body }: Exchange): Promise<readonly string[]> {
  if (headers['content-type'] !== 'text/event-stream') return []
  const { wrongEvent } = await import('./events.ts')
  // The last line may be cut off.
  const lines = body.toString().split('\n').slice(0, -1)
  return lines.flatMap((line) => (line.startsWith('data: ') ? wrongEvent(JSON.parse(line.slice(6))) : []))
}

export function hear(exchange: Exchange): void {
  if (!strangers.has(exchange.port)) pending.push(violationsOf(exchange))
}

const strangers = new Set<string>()

/** What answers there is not this service, and keeps no contract of ours. */
export const notOurs = (port: number | string): void => void strangers.add(String(port))

/** A frame that a client got over a WebSocket. */
export const hearFrame = (frame: unknown): void =>
  void pending.push(import('./events.ts').then(({ wrongFrame }) => wrongFrame(frame)))

let told: KernelEvent[] = []

/** A random run tells millions, and all alike. */
const toldMax = 2_000

/** What a kernel tells, without a service around it. */
export function hearTold(event: KernelEvent): void {
  if (told.length < toldMax) told.push(event)
}

async function takeTold(): Promise<readonly string[]> {
  const events = told
  told = []
  return events.length === 0 ? [] : events.flatMap((await import('./events.ts')).wrongData)
}

/** Each once. */
export async function takeViolations(): Promise<string[]> {
  const checked = pending
  pending = []
  return [...new Set((await Promise.all([takeTold(), ...checked])).flat())]
}
