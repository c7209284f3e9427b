/** Prepares the routes from the settings: reads their files, finds their users, and parses their filters. */

import { readFileSync } from 'node:fs'
import { rootCertificates } from 'node:tls'
import type { Kernel } from '../kernel/kernel.ts'
import type { LoggedEvent } from '../stream/event-log.ts'
import { MalformedPath, NoSuchPath } from '../tree/errors.ts'
import { parsePathFilter } from '../tree/path-filter.ts'
import type { Retry } from './pump.ts'
import { routeFilter, typesOf } from './route-filter.ts'
import { type ExecRoute, type LeastSeverity, msOf, type Webhook, type WebhookFormat } from './shape.ts'
import { parseSecrets, SecretError } from './signature.ts'
import { findUser, type SystemUser } from './user.ts'

interface AnyRoute {
  readonly name: string
  /** The event types that it can get. */
  readonly types: ReadonlySet<string>
  readonly wants: (event: LoggedEvent) => boolean
  readonly retry: Retry
  readonly timeoutMs: number
}

export interface WebhookRoute extends AnyRoute {
  readonly kind: 'webhook'
  readonly url: string
  readonly format: WebhookFormat
  readonly batchMax: number
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly Buffer[]
  readonly ca: readonly string[] | null
}

export interface CommandRoute extends AnyRoute {
  readonly kind: 'exec'
  readonly command: readonly string[]
  readonly user: SystemUser
  readonly slots: number
}

export type Route = WebhookRoute | CommandRoute

/** A route cannot work as it is configured. */
export class RouteError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'RouteError'
  }
}

export interface RouteSettings {
  readonly webhooks?: readonly Webhook[]
  readonly exec?: readonly ExecRoute[]
}

/** @throws RouteError */
export function routesOf(kernel: Kernel, { webhooks = [], exec = [] }: RouteSettings): Route[] {
  return [
    ...webhooks.map((webhook) => named(`webhooks: ${webhook.name}`, () => webhookRoute(kernel, webhook))),
    ...exec.map((route) => named(`exec: ${route.name}`, () => commandRoute(kernel, route))),
  ]
}

/** @throws RouteError that names the route */
function named<Made>(place: string, make: () => Made): Made {
  try {
    return make()
  } catch (error) {
    const isOfFile = error instanceof Error && 'syscall' in error
    const isKnown = [RouteError, SecretError, NoSuchPath, MalformedPath].some((known) => error instanceof known)
    if (error instanceof Error && (isKnown || isOfFile)) throw new RouteError(`${place}: ${error.message}`)
    throw error
  }
}

function webhookRoute(kernel: Kernel, webhook: Webhook): WebhookRoute {
  const { name, url, format, batch, secret = '', 'secret-file': file, headers = {}, ca, timeout } = webhook
  const secrets = `${secret}\n${file === undefined ? '' : readFileSync(file, 'utf8')}`
  return {
    kind: 'webhook',
    name,
    url: format === 'alertmanager' ? alertsUrl(url) : url,
    format,
    batchMax: batch,
    headers,
    secrets: secret === '' && file === undefined ? [] : parseSecrets(secrets),
    ca: ca === undefined ? null : [...rootCertificates, readFileSync(ca, 'utf8')],
    timeoutMs: msOf(timeout),
    ...filterOf(kernel, webhook, format === 'alertmanager'),
    retry: {
      firstMs: msOf(webhook['retry-first']),
      mostMs: msOf(webhook['retry-most']),
      forMs: msOf(webhook['retry-for']),
      attemptsMax: null,
    },
  }
}

/** The settings name the server, with or without the path of its API. */
function alertsUrl(text: string): string {
  const url = new URL(text)
  url.pathname = `${url.pathname.replace(/\/(?:api\/v2\/alerts\/?)?$/, '')}/api/v2/alerts`
  return url.href
}

function commandRoute(kernel: Kernel, route: ExecRoute): CommandRoute {
  const { name, command, timeout, attempts } = route
  const user = findUser(route.user)
  if (user === null) throw new RouteError(`there is no user ${route.user}`)
  const own = process.getuid?.()
  if (own !== 0 && own !== user.uid)
    throw new RouteError(`only root can run it as ${user.name}: this service runs as user ${own}`)
  return {
    kind: 'exec',
    name,
    command,
    user,
    slots: route['at-once'],
    timeoutMs: msOf(timeout),
    ...filterOf(kernel, route, false),
    retry: {
      firstMs: msOf(route['retry-first']),
      mostMs: msOf(route['retry-most']),
      forMs: null,
      attemptsMax: attempts,
    },
  }
}

interface Filtered {
  readonly path: string
  readonly types?: readonly string[] | undefined
  readonly severity?: LeastSeverity | undefined
}

/** @throws NoSuchPath, MalformedPath */
function filterOf(kernel: Kernel, { path, types: given, severity }: Filtered, andEnds: boolean) {
  const least = severity ?? (given === undefined ? 'warning' : 'info')
  const types = typesOf({ types: given ?? null, severity: least }, { andEnds })
  return { types, wants: routeFilter(types, parsePathFilter(kernel, path, { past: true })) }
}
