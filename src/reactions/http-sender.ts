/** Sends one request to a receiver, and says what its answer means for the delivery. */

import type { Agent, request } from 'undici'
import { bounds } from '../base/bounds.ts'
import type { Outcome } from './pump.ts'
import { signatureHeaders } from './signature.ts'

export interface SenderOptions {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly secrets: readonly Buffer[]
  /** Certificates in PEM to trust besides those that Node trusts; null without. */
  readonly ca: readonly string[] | null
  readonly timeoutMs: number
  readonly version: string
}

export interface SentBody {
  readonly id: string
  readonly contentType: string
  readonly body: string
}

export class HttpSender {
  readonly #options: SenderOptions
  #client: { readonly agent: Agent; readonly request: typeof request } | null = null

  constructor(options: SenderOptions) {
    this.#options = options
  }

  async send({ id, contentType, body }: SentBody, signal: AbortSignal): Promise<Outcome> {
    const { url, headers, secrets, timeoutMs, version } = this.#options
    // The time of the machine: receivers compare it with theirs.
    const timestamp = Math.floor(Date.now() / 1000)
    try {
      this.#client ??= await connect(this.#options)
      const answer = await this.#client.request(url, {
        method: 'POST',
        dispatcher: this.#client.agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
        headers: {
          'user-agent': `introspectd/${version}`,
          ...headers,
          'content-type': contentType,
          ...signatureHeaders(secrets, { id, timestamp, body }),
        },
        body,
      })
      await answer.body.dump({ limit: bounds.reactionAnswerBytesMax })
      return outcomeOf(answer.statusCode, answer.headers['retry-after'])
    } catch (error) {
      return { kind: 'failed', reason: reasonOf(error, timeoutMs) }
    }
  }

  async close(): Promise<void> {
    await this.#client?.agent.destroy()
  }
}

/** The library is loaded when it is first needed: most services send nothing. */
async function connect({ ca }: SenderOptions) {
  const undici = await import('undici')
  const agent = new undici.Agent({ connections: 1, ...(ca !== null && { connect: { ca: [...ca] } }) })
  return { agent, request: undici.request }
}

/** Statuses by which a receiver refuses these very events, and not events in general. */
const refusals: ReadonlySet<number> = new Set([400, 413, 415, 422])

function outcomeOf(status: number, retryAfter: string | string[] | undefined): Outcome {
  if (status >= 200 && status < 300) return { kind: 'done' }
  const seconds = Number([retryAfter].flat()[0] ?? Number.NaN)
  const retryAfterMs = Math.min(seconds * 1000, bounds.reactionRetryAfterMsMax)
  return {
    kind: 'failed',
    reason: `HTTP ${status}`,
    isRefused: refusals.has(status),
    ...(retryAfterMs > 0 && { retryAfterMs }),
  }
}

/** The code of an error, without addresses: `/readyz` shows it to everyone. */
function reasonOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs}ms`
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
