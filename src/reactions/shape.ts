/** Defines the settings `webhooks` and `exec`: the routes along which events leave the service. */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { parseDuration } from '../kernel/time/duration.ts'
import { strangeType } from '../tree/event-types.ts'

export const severities = ['info', 'warning', 'error'] as const
export type LeastSeverity = (typeof severities)[number]

export const webhookFormats = ['structured', 'batched', 'alertmanager'] as const
export type WebhookFormat = (typeof webhookFormats)[number]

/** A duration from 1ms to 30 days. */
function duration(standard: string) {
  return z
    .string()
    .refine((text) => (parseDuration(text) ?? 0) >= 1 && parseDuration(text)! <= bounds.reactionMsMax, {
      error: 'expected a duration from "1ms" to "720h", such as "500ms", "30s" or "1h"',
    })
    .default(standard)
}

const Types = z
  .array(z.string())
  .min(1)
  .max(bounds.typesMax)
  .superRefine((types, context) => {
    const strange = strangeType(types)
    if (strange !== null) context.addIssue({ code: 'custom', message: strange })
  })

const route = {
  name: z
    .string()
    .min(1)
    .max(bounds.subscriptionNameMax)
    .regex(/^[\w.-]+$/, 'expected letters, digits, dot, hyphen and underscore')
    .describe('Name in metrics, logs and /readyz; the position in the journal belongs to it'),
  path: z
    .string()
    .max(bounds.pathBytesMax)
    .default('/sys')
    .describe('Only events about this path or below it; * matches one segment, ** at the end one or more'),
  types: Types.optional().describe('Event types; each may end with *. Default: all of the severity'),
  severity: z
    .enum(severities)
    .optional()
    .describe(
      'The least severity. Default: warning, and with `types` info. The end of a condition counts as its begin',
    ),
}

const url = z
  .url({ protocol: /^https?$/, error: 'expected an address such as https://example.org/hook', abort: true })
  .refine((text) => new URL(text).username === '' && new URL(text).password === '', {
    error: 'an address must not contain a user or a password: use headers',
  })

/** Headers that follow from the request itself. With other values it could not be sent. */
const ownHeaders = ['connection', 'content-length', 'host', 'keep-alive', 'transfer-encoding', 'upgrade']

export const Webhook = z
  .strictObject({
    ...route,
    url: url.describe('Address that events are POSTed to; for alertmanager, the address of the server'),
    format: z
      .enum(webhookFormats)
      .default('structured')
      .describe('structured: one CloudEvent; batched: a list of them; alertmanager: alerts of its API v2'),
    batch: z.int().min(1).max(bounds.reactionBatchMax).default(100).describe('Most events in one request'),
    secret: z.string().optional().describe('Secret of the signature, as in whsec_MfKQ…; better in a file'),
    'secret-file': z.string().min(1).optional().describe('File with the secret; with two, both sign'),
    headers: z
      .record(
        z.string().regex(/^[\w-]+$/, 'expected the name of a header'),
        z.string().regex(/^[\t\x20-\x7e\x80-\xff]*$/, 'expected one line of text'),
      )
      .refine(
        (given) => !Object.keys(given).some((name) => ownHeaders.includes(name.toLowerCase())),
        `the service itself sets ${ownHeaders.join(', ')}`,
      )
      .optional()
      .describe('More headers, such as authorization'),
    ca: z.string().min(1).optional().describe('PEM file with certificates to trust besides those that Node trusts'),
    timeout: duration('10s').describe('Longest time for one request'),
    'retry-first': duration('1s').describe('Time before the first retry; it doubles with each'),
    'retry-most': duration('5m').describe('Longest time between two retries'),
    'retry-for': duration('24h').describe('Time after which an event that cannot be delivered is a dead letter'),
  })
  .meta({ id: 'Webhook' })

export type Webhook = z.output<typeof Webhook>

export const ExecRoute = z
  .strictObject({
    ...route,
    command: z
      .array(z.string().refine((word) => !word.includes('\0'), 'a word has no NUL'))
      .min(1)
      .refine(([program]) => program?.startsWith('/') === true, 'expected the absolute path of a program first')
      .describe('The program and its arguments. No shell reads them'),
    user: z.string().min(1).describe('User that runs it'),
    timeout: duration('30s').describe('Longest time for one run; then it is killed with its children'),
    'at-once': z.int().min(1).max(bounds.reactionRunsMax).default(1).describe('Most runs at the same time'),
    attempts: z.int().min(1).max(100).default(3).describe('Runs for one event until it is a dead letter'),
    'retry-first': duration('1s').describe('Time before the second run; it doubles with each'),
    'retry-most': duration('1m').describe('Longest time between two runs'),
  })
  .refine(({ path, types, severity }) => path !== '/sys' || !includesOwnProcess({ types, severity }), {
    path: ['types'],
    error: 'a command is a process itself: for process.*, thread.* and partition.* name a `path` that it is not below',
  })
  .meta({ id: 'ExecRoute' })

export type ExecRoute = z.output<typeof ExecRoute>

/** Whether the route can get the births and deaths that its own command causes. */
function includesOwnProcess({
  types,
  severity,
}: {
  types: readonly string[] | undefined
  severity: string | undefined
}) {
  if (types === undefined) return severity === 'info'
  return types.some((type) => /^(\*|[ptb]\*|process|thread|partition)/.test(type))
}

function withUniqueNames<Route extends z.ZodType<{ readonly name: string }>>(schema: Route) {
  return z
    .array(schema)
    .max(bounds.reactionsMax)
    .superRefine((routes, context) => {
      const names = routes.map(({ name }) => name)
      for (const [place, name] of names.entries())
        if (names.indexOf(name) !== place)
          context.addIssue({ code: 'custom', path: [place, 'name'], message: `there is a ${name} already` })
    })
}

export const Webhooks = withUniqueNames(Webhook).describe(
  'receivers of events over HTTP, each with its path, types and severity; none by default',
)

export const ExecRoutes = withUniqueNames(ExecRoute).describe(
  'commands that run for events, each with its path, types and severity; none by default',
)

const hidden = '(not shown)'

/** The same routes without secrets. An address may contain a token, so only its origin is shown. */
export function withoutSecrets(routes: unknown): unknown {
  const parsed = Webhooks.safeParse(routes)
  if (!parsed.success) return routes
  return parsed.data.map(({ url: address, secret, headers, ...rest }) => ({
    ...rest,
    url: `${new URL(address).origin}/${hidden}`,
    ...(secret !== undefined && { secret: hidden }),
    ...(headers !== undefined && { headers: Object.fromEntries(Object.keys(headers).map((name) => [name, hidden])) }),
  }))
}

/** Preconditions: the text was checked by its schema. */
export function msOf(text: string): number {
  return parseDuration(text) ?? 0
}
