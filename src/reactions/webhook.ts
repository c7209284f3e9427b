/** Delivers CloudEvents over HTTP, in the structured or the batched mode of the CloudEvents HTTP binding. */

import { fieldsOf } from './delivered-event.ts'
import type { HttpSender } from './http-sender.ts'
import type { Delivery, Outcome } from './pump.ts'

export function structuredWebhook(sender: HttpSender): (delivery: Delivery) => Promise<Outcome> {
  return ({ events: [event], signal }) =>
    sender.send(
      {
        id: fieldsOf(event!).id,
        contentType: 'application/cloudevents+json; charset=utf-8',
        body: String(event!.json),
      },
      signal,
    )
}

export function batchedWebhook(sender: HttpSender): (delivery: Delivery) => Promise<Outcome> {
  return ({ events, signal }) => {
    const ids = [events[0]!, events.at(-1)!].map((event) => fieldsOf(event).id)
    const body = `[${events.map(({ json }) => String(json)).join(',')}]`
    const contentType = 'application/cloudevents-batch+json; charset=utf-8'
    return sender.send({ id: [...new Set(ids)].join('-'), contentType, body }, signal)
  }
}
