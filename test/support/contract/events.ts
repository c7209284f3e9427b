/** Checks events against the schemas of their types, and frames of `introspect.v1`. */

import type { z } from 'zod'
import type { KernelEvent } from '../../../src/kernel/events.ts'
import { ServerFrame } from '../../../src/stream/frames.ts'
import { eventViews } from '../../../src/tree/cloud-event.ts'
import { eventDataSchemas } from '../../../src/tree/event-views.ts'

const views = new Map(eventViews.map(({ type, view }) => [type, view]))

const reasons = (error: z.ZodError | undefined): string[] => error?.issues.map((issue) => JSON.stringify(issue)) ?? []

export function wrongEvent(event: unknown): string[] {
  const { type } = event as { readonly type: string }
  const view = views.get(type)
  if (view === undefined) return [`there is no event of type ${type}`]
  return reasons(view.safeParse(event).error).map((reason) => `${type}: ${reason}`)
}

/** Checks a WebSocket message: an event, or a frame that may contain one. */
export function wrongFrame(frame: unknown): string[] {
  if ('specversion' in Object(frame)) return wrongEvent(frame)
  const { success, data, error } = ServerFrame.safeParse(frame)
  if (!success) return reasons(error).map((reason) => `${JSON.stringify(frame)}: ${reason}`)
  return data.type === 'event' ? wrongEvent(data.event) : []
}

/** Checks the data of an event as the kernel emits it, before it has a CloudEvents envelope. */
export const wrongData = ({ type, data }: KernelEvent): string[] =>
  reasons(eventDataSchemas.get(type)?.safeParse(data).error).map((reason) => `${type}: ${reason}`)
