/** Runs a whole service in the test's process on a free port, and provides clients for it. */

import { pino } from 'pino'
import { WebSocket } from 'ws'
import { type App, type AppParts, buildApp } from '../../src/app/build.ts'
import type { Endpoint } from '../../src/app/endpoint.ts'
import { listenAt, type SocketSettings } from '../../src/app/listening.ts'
import { allowedHosts, type Token } from '../../src/http/security/gate.ts'
import type { Source } from '../../src/sources/source.ts'
import { Bench } from '../kernel/support.ts'
import { checkFrame } from './contract/violations.ts'
import { until, Waiter } from './until.ts'

/** A source that records nothing: the test writes to the kernel itself. */
const silentSource: Source = {
  name: 'test',
  start: async () => {},
  stop: async () => {},
  armedChanged: () => {},
  catchUp: () => {},
  scanAge: () => 12,
  faults: () => 0,
  scans: () => [{ kind: 'full', ageMs: 12, periodMs: 1000, lagMs: 0, cpuMs: 3 }],
  degraded: () => ['nothing-real'],
  checks: () => [{ name: 'inventory', ok: true, detail: 'made by the test' }],
  ready: () => true,
}

export interface CloudEvent {
  readonly id: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly sequence: string
  readonly about?: string
  readonly data: Record<string, unknown>
}

export interface TestGate {
  tokens: readonly Token[] | null
  readonly hosts: Set<string>
}

/** Options in which the services of tests differ. */
export interface ServiceOptions extends Pick<AppParts, 'edge' | 'limits' | 'proxies' | 'reactions' | 'rules'> {
  readonly tokens?: readonly Token[] | null
  readonly logger?: AppParts['logger']
}

/** A service that listens on a free port, with the requests that tests send to it. */
export class Serving {
  readonly app: App
  readonly #gate: TestGate
  readonly #sockets: WebSocket[] = []
  port = 0

  constructor(app: App, gate: TestGate) {
    this.app = app
    this.#gate = gate
  }

  async start(): Promise<this> {
    await this.app.server.listen({ host: '127.0.0.1', port: 0 })
    const [address] = this.app.server.addresses() as { port: number }[]
    this.port = address!.port
    for (const host of allowedHosts('127.0.0.1', this.port, [])) this.#gate.hosts.add(host)
    return this
  }

  /** Listens as the program does, in place of `start`. */
  async listenAt(settings: SocketSettings, more: readonly string[] = []): Promise<readonly Endpoint[]> {
    const endpoints = await listenAt(this.app, settings)
    for (const { host, port } of endpoints)
      for (const allowed of allowedHosts(host, port, more)) this.#gate.hosts.add(allowed)
    this.port = endpoints[0]?.port ?? 0
    return endpoints
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Replaces the tokens, as reading another token file would. */
  setTokens(tokens: readonly Token[]): void {
    this.#gate.tokens = tokens
    this.app.server.renewAccess(null)
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.url}${path}`, init)
  }

  async get(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }> {
    const response = await this.fetch(path, { headers })
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    }
  }

  put(path: string, body: unknown, headers: Record<string, string> = {}) {
    return this.send('PUT', path, body, headers)
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}) {
    return this.send('POST', path, body, headers)
  }

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await this.fetch(path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: text }),
    })
    const answer = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: (answer === '' ? {} : JSON.parse(answer)) as Record<string, unknown>,
    }
  }

  /** Resolves when the socket is open. */
  async watch(path: string, protocols: string[] = []): Promise<Watcher> {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}${path}`, protocols)
    this.#sockets.push(socket)
    const watcher = new Watcher(socket)
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    return watcher
  }

  /** Returns the response to an upgrade request that is refused. */
  async refusedUpgrade(
    path: string,
    { protocols = [], headers = {} }: { protocols?: string[]; headers?: Record<string, string> } = {},
  ) {
    const socket = new WebSocket(`ws://127.0.0.1:${this.port}${path}`, protocols, { headers })
    this.#sockets.push(socket)
    return new Promise<{ status: number; body: Record<string, unknown> }>((resolve, reject) => {
      socket.once('open', () => reject(new Error('it was upgraded')))
      socket.once('error', () => {})
      socket.once('unexpected-response', (_request, response) => {
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
        })
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as Record<string, unknown> }),
        )
      })
    })
  }

  async untilStreams(count: number): Promise<void> {
    await until(
      () => this.app.hub.size,
      (size) => size === count,
      { everyMs: 0, what: `there are ${count} streams` },
    )
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.terminate()
    await this.app.close()
  }
}

/** A service over a kernel that the test fills itself. */
export class Service extends Serving {
  readonly bench: Bench

  constructor({
    tokens = null,
    logger = pino({ level: 'silent' }),
    selfPid,
    ...rest
  }: ServiceOptions & { selfPid?: number } = {}) {
    const bench = new Bench(selfPid === undefined ? {} : { selfPid })
    const gate = { tokens, hosts: new Set<string>() }
    const app = buildApp({
      ...rest,
      kernel: bench.kernel,
      source: silentSource,
      gate,
      logger,
      version: '0.0.0',
      now: () => 1_700_000_000_000,
    })
    super(app, gate)
    this.bench = bench
  }
}

/** A WebSocket client that records what it receives. */
export class Watcher {
  readonly socket: WebSocket
  readonly events: CloudEvent[] = []
  /** Unparsed, in order of arrival. */
  readonly frames: string[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #changed = new Waiter()

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.frames.push(data.toString())
      const frame: unknown = JSON.parse(data.toString())
      checkFrame(frame)
      this.events.push(frame as CloudEvent)
      this.#changed.wake()
    })
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        this.#changed.wake()
      })
    })
  }

  /** Waits until the client has received a number of events, or one that matches. */
  async until(enough: number | ((event: CloudEvent) => boolean)): Promise<CloudEvent[]> {
    const is = typeof enough === 'number' ? () => this.events.length >= enough : () => this.events.some(enough)
    const holds = () => {
      if (is()) return true
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed with ${this.events.length} events`)
      return false
    }
    await this.#changed.until(holds, () => this.frames.slice(-5).join('\n'), { what: `events: ${enough}` })
    return this.events
  }
}
