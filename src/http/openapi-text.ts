/** Writes the descriptions of operations in the OpenAPI document, from their rows. */

import type { Definition } from '../tree/definition.ts'
import type { Verb } from '../tree/verb.ts'
import { forms } from './negotiate.ts'
import type { NeededRole, ServiceVerb } from './service-route.ts'

/** The description of the whole document. */
export const introduction = `Processes, threads and their limits as a tree of URLs, thresholds set with PUT, and \
events pushed on every path.

**Forms.** Each reply is JSON. \`Accept\`, or \`format\` in the query, selects another form, which \
the document names in \`x-content\` beside \`content\`: text for people, NDJSON with one document a \
line, a drawing.

**Streams.** Each path under \`/sys\` is also a stream of the events about it and what is below it: \
over a WebSocket, or as server-sent events with \`Accept: text/event-stream\`. \`/asyncapi.json\` \
describes the streams. Parameters whose description begins with "Streams only" are refused in a \
read.

**Absent and null.** A field that a request leaves out has its default, or stays unchanged. Unknown \
fields are refused. A value that the service cannot know is absent or null in a reply, and a field \
beside it has the reason.

**Roles.** With a token file, each operation needs a token with its role, as \`Authorization: Bearer \
<token>\`: \`read\`, \`control\` (which includes \`read\`) or \`operate\` (which includes both).`

export function roleText(role: NeededRole): string {
  return role === 'open' ? 'Needs no token.' : `Needs the role \`${role}\`.`
}

export function readText(definition: Definition): string {
  const drawn = Object.keys(definition.drawings ?? {}) as ('dot' | 'mermaid')[]
  const others = [forms.text, forms.ndjson, ...drawn.map((name) => forms[name])].join(', ')
  return `${roleText(definition.readRole ?? 'read')} Other forms: ${others}; with ${forms.stream}, the events here and below.`
}

export function writeText({ role, roleFor, text }: Verb): string {
  const isBroader = roleFor !== undefined
  const asText = text ? `As ${forms.text}: \`${text.examples.join('`, `')}\`.` : ''
  return [roleText(role), isBroader ? 'Some bodies need the role `operate`.' : '', asText].filter(Boolean).join(' ')
}

export const optionsText = `${roleText('read')} The header \`Allow\` has them.`

export function serviceText({ access, replies }: ServiceVerb): string {
  const hasLines = Object.values(replies).some(({ line }) => line !== undefined)
  return hasLines ? `${roleText(access)} Other form: ${forms.ndjson}.` : roleText(access)
}
