/**
 * Sends requests with TLS options, or over a unix socket, for Node only. The client loads this file only if it has such
 * options or such a URL, so a browser never does.
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

export function fetchWithTls({ ca, ...identity }: TlsOptions): Promise<Fetch> {
  return fetchVia({ ...identity, ...(ca !== undefined && { ca: [...ca] }) })
}

export function fetchOverUnix(socketPath: string): Promise<Fetch> {
  return fetchVia({ socketPath })
}

type ConnectOptions = Omit<TlsOptions, 'ca'> & { readonly ca?: string[]; readonly socketPath?: string }

/** Node's own fetch takes no certificates and no path of a socket. undici, the library behind it, does. */
async function fetchVia(connect: ConnectOptions): Promise<Fetch> {
  const { Agent, fetch } = await import('undici')
  const dispatcher = new Agent({ connect })
  return (url, init) => fetch(url, { ...init, dispatcher })
}
