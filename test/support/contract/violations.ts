/** Collects violations of openapi.yaml and of the event schemas from everything that tests observe. */

import { inject } from 'vitest'
import type { KernelEvent } from '../../../src/kernel/events.ts'
import type { Exchange } from './exchange.ts'
import type { OpenApiCheck } from './openapi.ts'

let check: Promise<OpenApiCheck> | null = null
let pending: Promise<readonly string[]>[] = []

async function violationsOf(exchange: Exchange): Promise<readonly string[]> {
  // Loaded on first use: most test files use no HTTP and need not wait for it.
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

export function checkExchange(exchange: Exchange): void {
  if (!excludedPorts.has(exchange.port)) pending.push(violationsOf(exchange))
}

const excludedPorts = new Set<string>()

/** Excludes a port from the check, because another server listens there. */
export const excludePort = (port: number | string): void => void excludedPorts.add(String(port))

/** Checks a frame that a client received over a WebSocket. */
export const checkFrame = (frame: unknown): void =>
  void pending.push(import('./events.ts').then(({ wrongFrame }) => wrongFrame(frame)))

let kernelEvents: KernelEvent[] = []

/** A random run emits millions of similar events; checking the first ones is enough. */
const kernelEventsMax = 2_000

/** Checks an event of a kernel that a test uses without a service. */
export function checkEvent(event: KernelEvent): void {
  if (kernelEvents.length < kernelEventsMax) kernelEvents.push(event)
}

async function takeWrongKernelEvents(): Promise<readonly string[]> {
  const events = kernelEvents
  kernelEvents = []
  return events.length === 0 ? [] : events.flatMap((await import('./events.ts')).wrongData)
}

/** Returns the violations since the last call, without duplicates. */
export async function takeViolations(): Promise<string[]> {
  const checked = pending
  pending = []
  return [...new Set((await Promise.all([takeWrongKernelEvents(), ...checked])).flat())]
}
