/** Reads certificates and keys from files, and checks that they match before they are used. */

import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** The CA that signs the certificates of clients; null where clients need none. */
  readonly clientCa: string | null
}

/** In PEM, for `node:tls`. */
export interface TlsMaterial {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}

/** @throws Error naming the setting and the file that is wrong; nothing of a key is in a message */
export function readTls({ cert, key, clientCa }: TlsFiles): TlsMaterial {
  const [certText, certificate] = read('tls-cert', cert, 'a certificate in PEM', (text) => new X509Certificate(text))
  const [keyText, privateKey] = read('tls-key', key, 'a private key in PEM without a passphrase', createPrivateKey)
  if (!fits(certificate, privateKey)) throw new Error(`--tls-key ${key}: it is not the key of --tls-cert ${cert}`)
  if (clientCa === null) return { cert: certText, key: keyText }
  const [ca] = read('tls-client-ca', clientCa, 'a certificate in PEM', (text) => new X509Certificate(text))
  return { cert: certText, key: keyText, ca }
}

/** The time after which clients refuse this certificate. */
export function expiryOf({ cert }: TlsMaterial): Date {
  return new X509Certificate(cert).validToDate
}

/** Says whether clients accept the certificate for a host name or address. */
export function certifies({ cert }: TlsMaterial, name: string): boolean {
  const certificate = new X509Certificate(cert)
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined
}

function fits(certificate: X509Certificate, key: KeyObject): boolean {
  return certificate.checkPrivateKey(key)
}

function read<Parsed>(
  setting: string,
  file: string,
  wanted: string,
  parse: (text: string) => Parsed,
): [string, Parsed] {
  const text = readText(setting, file)
  try {
    return [text, parse(text)]
  } catch {
    // The library's own message is in terms of ASN.1.
    throw new Error(`--${setting} ${file}: it is not ${wanted}`)
  }
}

function readText(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new Error(`--${setting} ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
