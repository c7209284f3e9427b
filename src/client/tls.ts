/**
 * Applies the TLS options of the client, for Node only. The client loads this file only if TLS options are given, so a
 * browser never does.
 */

import type { Fetch } from './fetch.ts'

export interface TlsOptions {
  /** Certificates in PEM that are trusted as authorities. They replace Node's own list. */
  readonly ca?: readonly string[]
  /** Certificate of the client, in PEM, with those that sign it. */
  readonly cert?: string
  /** Private key of that certificate, in PEM. */
  readonly key?: string
}

/** Node's own fetch takes no certificates. undici, the library behind it, does. */
export async function fetchWithTls({ ca, ...identity }: TlsOptions): Promise<Fetch> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect: { ...identity, ...(ca !== undefined && { ca: [...ca] }) } })
  return (url, init) => fetch(url, { ...init, dispatcher })
}
