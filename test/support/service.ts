/** Whole services on free ports, and clients of theirs. */

import { pino } from 'pino'
import { WebSocket } from 'ws'
import { type App, type AppParts, buildApp } from '../../src/app/build.ts'
import { allowedHosts, type Token } from '../../src/http/security/gate.ts'
import type { Source } from '../../src/sources/source.ts'
import { Bench } from '../kernel/support.ts'
import { hearFrame } from './contract/heard.ts'
import { until, Waiter } from './until.ts'

/** A source that never says anything: the test writes to the kernel. */
const silentSource: Source = {
  name: 'test',
  start: async () => {},
  stop: async () => {},
  armedChanged: () => {},
  catchUp: () => {},
  scanAge: () => 12,
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

/** How the services of tests differ. */
export interface Differing extends Pick<AppParts, 'edge' | 'limits'> {
  readonly tokens?: readonly Token[] | null
  readonly logger?: AppParts['logger']
}

/** A service that listens on a free port, and what tests ask of it. */
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

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Another token file has been read. */
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

  /** What an upgrade that is refused is answered. */
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

/** Over a kernel that the test itself fills. */
export class Service extends Serving {
  readonly bench: Bench

  constructor({
    tokens = null,
    logger = pino({ level: 'silent' }),
    selfPid,
    ...rest
  }: Differing & { selfPid?: number } = {}) {
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

/** A WebSocket client that keeps what it is sent. */
export class Watcher {
  readonly socket: WebSocket
  readonly events: CloudEvent[] = []
  /** As they came. */
  readonly frames: string[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #changed = new Waiter()

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      this.frames.push(data.toString())
      const frame: unknown = JSON.parse(data.toString())
      hearFrame(frame)
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

  /** Waits until there are so many events, or one that fits. */
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
