/** Whom the commands trust over TLS, and what they show of themselves. */

import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import type { Config } from '../config/settings.ts'
import { CliError } from './error.ts'

/** As `node:tls` takes it; empty where it is as usual. */
export interface ClientTls {
  readonly ca?: string[]
  readonly cert?: string
  readonly key?: string
}

/** @throws CliError */
export function clientTls({ ca, clientCert, clientKey }: Pick<Config, 'ca' | 'clientCert' | 'clientKey'>): ClientTls {
  if ((clientCert === undefined) !== (clientKey === undefined))
    throw new CliError('--client-cert and --client-key go together')
  return {
    ...(ca !== undefined && { ca: [...getCACertificates(), read('ca', ca)] }),
    ...(clientCert !== undefined && { cert: read('client-cert', clientCert) }),
    ...(clientKey !== undefined && { key: read('client-key', clientKey) }),
  }
}

function read(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CliError(`--${setting} ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

export interface FetchRequest {
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** What Node has built in takes no certificates; the library that it is made of is loaded where there are some. */
export async function fetchOver(tls: ClientTls, url: URL, asked: FetchRequest) {
  if (Object.keys(tls).length === 0) return fetch(url, asked)
  const undici = await import('undici')
  return undici.fetch(url, { ...asked, dispatcher: new undici.Agent({ connect: { ...tls } }) })
}
