/** Reads the token and certificate files, at start and again on SIGHUP. */

import { readFileSync } from 'node:fs'
import type { FastifyBaseLogger } from 'fastify'
import { ConfigError } from '../config/error.ts'
import { type ListeningPlace, listeningPlaces } from '../config/listening.ts'
import type { Config } from '../config/settings.ts'
import { type Gate, isLoopback, parseTokens, type Token } from '../http/security/gate.ts'
import { expiryOf, readTls, type TlsFiles, type TlsMaterial } from '../http/security/tls.ts'
import type { Endpoint } from './endpoint.ts'

interface AccessFiles {
  readonly tokenFile: string | null
  readonly tls: TlsFiles | null
  /** The user of a peer can be known. */
  readonly hasUnix: boolean
}

export class Access implements Gate {
  readonly hosts = new Set<string>()
  readonly #files: AccessFiles
  readonly #logger: FastifyBaseLogger
  #tokens: readonly Token[] | null = null
  #tls: TlsMaterial | null = null

  /** @throws ConfigError */
  constructor(config: Config, logger: FastifyBaseLogger, inherited: readonly Endpoint[] = []) {
    const places = inherited.length > 0 ? inherited : listeningPlaces(config.host)
    this.#files = filesOf(config, places.map(hostOf))
    this.#logger = logger
    this.#read()
  }

  get tokens(): readonly Token[] | null {
    return this.#tokens
  }

  get tls(): TlsMaterial | null {
    return this.#tls
  }

  get hasFiles(): boolean {
    return this.#files.tokenFile !== null || this.#files.tls !== null
  }

  /** Reads all files again. If one is wrong, nothing changes. @returns whether they were read */
  reload(): boolean {
    try {
      this.#read()
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      this.#logger.error(`tokens and certificates were not reloaded: ${error.message}`)
      return false
    }
    this.#logger.warn('tokens and certificates were reloaded')
    return true
  }

  /** @throws ConfigError, and then nothing has changed */
  #read(): void {
    const { tokenFile, tls } = this.#files
    const material = tls === null ? null : orConfigError(() => readTls(tls))
    const tokens = tokenFile === null ? null : readTokens(tokenFile)
    if (!this.#files.hasUnix && tokens?.some(({ peer }) => peer !== undefined)) {
      throw new ConfigError(`--token-file ${tokenFile}: "uid:" and "gid:" need a unix socket in --host, on Linux`)
    }
    if (material?.ca === undefined && tokens?.some(({ digest, peer }) => digest === null && peer === undefined)) {
      throw new ConfigError(`--token-file ${tokenFile}: "cert" needs --tls-client-ca`)
    }
    if (material !== null && expiryOf(material).getTime() < Date.now()) {
      this.#logger.error(
        `--tls-cert ${tls?.cert}: it expired at ${expiryOf(material).toISOString()}; clients will refuse it`,
      )
    }
    this.#tls = material
    this.#tokens = tokens
  }
}

function hostOf(place: ListeningPlace | Endpoint): string | null {
  return 'host' in place ? place.host : null
}

/**
 * @param hosts the addresses to listen on; null for a unix socket
 * @throws ConfigError when settings contradict one another
 */
function filesOf({ tlsCert, tlsKey, tlsClientCa, ...config }: Config, hosts: readonly (string | null)[]): AccessFiles {
  const tokenFile = config.tokenFile ?? null
  const hasUnix = hosts.includes(null) && process.platform === 'linux'
  const exposed = hosts.find((host) => host !== null && !isLoopback(host)) ?? null
  if (tokenFile === null && exposed !== null) {
    throw new ConfigError(
      `--host ${exposed} is not a loopback address: set --token-file too, or every client that reaches it can use it`,
    )
  }
  if (tlsCert !== undefined && hosts.every((host) => host === null))
    throw new ConfigError('--tls-cert needs an address in --host: a unix socket has no TLS')
  if (tlsCert !== undefined && tlsKey !== undefined)
    return { tokenFile, hasUnix, tls: { cert: tlsCert, key: tlsKey, clientCa: tlsClientCa ?? null } }
  if (tlsCert !== undefined) throw new ConfigError('--tls-cert needs --tls-key')
  if (tlsKey !== undefined) throw new ConfigError('--tls-key needs --tls-cert')
  if (tlsClientCa !== undefined) throw new ConfigError('--tls-client-ca needs --tls-cert and --tls-key')
  return { tokenFile, hasUnix, tls: null }
}

function readTokens(file: string): Token[] {
  return orConfigError(() => parseTokens(readFileSync(file, 'utf8')), `--token-file ${file}: `)
}

/** Turns any error into a ConfigError. */
function orConfigError<Read>(read: () => Read, before = ''): Read {
  try {
    return read()
  } catch (error) {
    throw new ConfigError(`${before}${error instanceof Error ? error.message : String(error)}`)
  }
}
