/** Connects the commands to the running service. Each way in which a request can fail becomes one clear line. */

import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { didYouMean } from '../base/nearest.ts'
import { printable } from '../base/terminal-text.ts'
import { Client, NotIntrospectdError, ProblemError, type TlsOptions, UnreachableError } from '../client/client.ts'
import type { Config, Effective } from '../config/settings.ts'
import { CliError } from './error.ts'

/** A reply must come within this time. */
const replyMsMax = 10_000

/** Certificates that nobody whom Node trusts has signed. */
const unknownSigners: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

export class ServiceConnection {
  readonly client: Client
  readonly url: string
  /** The setting that the token came from; null without a token. */
  readonly #tokenOrigin: string | null

  /** @throws CliError a certificate file cannot be read, or the token cannot be sent */
  constructor({ config, origins }: Effective) {
    const { url, token } = config
    this.url = url
    this.#tokenOrigin = token === undefined ? null : (origins.get('token') ?? null)
    const tls = tlsOptions(config)
    try {
      this.client = new Client(url, {
        timeoutMs: replyMsMax,
        ...(token !== undefined && { token }),
        ...(tls !== null && { tls }),
      })
    } catch (error) {
      if (error instanceof TypeError) throw new CliError(error.message)
      throw error
    }
  }

  /**
   * Waits for a reply of the client.
   * @throws CliError with one line for a person; what `signal` aborted is thrown as it is
   */
  async reply<Reply>(request: Promise<Reply>): Promise<Reply> {
    try {
      return await request
    } catch (error) {
      throw this.explain(error)
    }
  }

  /** The line for an error of the client; any other error as it is. */
  explain(error: unknown): unknown {
    if (error instanceof UnreachableError) return this.#unreachable(error)
    if (error instanceof ProblemError) return this.#refused(error)
    if (error instanceof NotIntrospectdError) return this.#stranger(error.status)
    return error
  }

  #unreachable(error: UnreachableError): CliError {
    const { code, message } = causeOf(error)
    if (code === 'ECONNREFUSED' || (code === 'ENOENT' && this.url.startsWith('unix:'))) {
      return new CliError(
        `nothing listens at ${this.url}; introspectd serve starts the service, --url names another place`,
      )
    }
    if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
      return new CliError(`cannot reach ${this.url}: it does not speak TLS; use http, not https`)
    }
    if (code === 'UND_ERR_SOCKET' && this.url.startsWith('http:'))
      return new CliError(`cannot reach ${this.url}: it closes the connection; if it speaks TLS, use https, not http`)
    const why = code === 'TimeoutError' ? `no answer within ${replyMsMax / 1000} s` : message
    const hint = code !== null && unknownSigners.has(code) ? '; --ca names who signed it' : ''
    return new CliError(`cannot reach ${this.url}: ${printable(why)}${hint}`)
  }

  #refused({ status, problem }: ProblemError): CliError {
    if (problem.type === 'about:blank') return this.#stranger(status)
    if (status === 401) return new CliError(this.#unauthorized())
    const faults = (problem.errors ?? []).flatMap(({ pointer, detail }) =>
      pointer === undefined ? [] : [`${pointer.slice(1)}: ${detail}`],
    )
    return new CliError(printable(faults.length > 0 ? faults.join('; ') : problem.detail))
  }

  #unauthorized(): string {
    return this.#tokenOrigin === null
      ? `${this.url} asks for a token: put one into INTROSPECTD_TOKEN`
      : `${this.url} does not know the token of ${this.#tokenOrigin}`
  }

  #stranger(status: number): CliError {
    return new CliError(`what answers at ${this.url} is not introspectd (status ${status}); --url names another place`)
  }
}

type TlsSettings = Pick<Config, 'ca' | 'clientCert' | 'clientKey'>

/** Null where neither an authority nor a certificate of the client is set. @throws CliError */
function tlsOptions({ ca, clientCert, clientKey }: TlsSettings): TlsOptions | null {
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new CliError('--client-cert and --client-key go together')
  if (ca === undefined && clientCert === undefined) return null
  return {
    ...(ca !== undefined && { ca: [...getCACertificates(), readSetting('ca', ca)] }),
    ...(clientCert !== undefined && { cert: readSetting('client-cert', clientCert) }),
    ...(clientKey !== undefined && { key: readSetting('client-key', clientKey) }),
  }
}

function readSetting(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`--${setting} ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** The innermost cause: what fetch throws names no reason itself. */
export function causeOf(error: unknown): { code: string | null; message: string } {
  if (!(error instanceof Error)) return { code: null, message: String(error) }
  if (error.cause !== undefined) return causeOf(error.cause)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return { code, message: error.message === '' ? code : error.message }
}

/** Adds to the service's message about an unknown field the name that is nearest to it. */
export function withField(message: string, fields: readonly string[]): string {
  return message.replace(/(^|; )([^:;]+): no such field/g, (_, before: string, field: string) => {
    return `${before}there is no field ${field}${didYouMean(field, fields)}`
  })
}
