/** Creates TLS certificates for tests with openssl: an authority, and certificates that it signs. */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsFiles } from '../../src/http/security/tls.ts'

const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export interface Signed {
  readonly cert: string
  readonly key: string
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'introspectd-tls-'))
  /** Its own certificate. */
  readonly ca = this.file('ca.pem')

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...elliptic,
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-days',
      '2',
      '-subj',
      '/CN=test-ca',
    )
  }

  file(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text)
    return this.file(name)
  }

  /** Files of a certificate for localhost and 127.0.0.1, and of its key. */
  sign(name: string, file = name): Signed {
    this.write('names', 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
    this.#openssl('req', ...elliptic, '-keyout', `${file}.key`, '-out', `${file}.csr`, '-subj', `/CN=${name}`)
    const signing = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '2', '-extfile', 'names']
    this.#openssl('x509', '-req', '-in', `${file}.csr`, ...signing, '-out', `${file}.pem`)
    return { cert: this.file(`${file}.pem`), key: this.file(`${file}.key`) }
  }

  /** TLS options of a client that trusts this authority and, if given, presents a certificate. */
  trust(signed?: Signed): { ca: string; cert?: string; key?: string } {
    const ca = readFileSync(this.ca, 'utf8')
    return signed === undefined
      ? { ca }
      : { ca, cert: readFileSync(signed.cert, 'utf8'), key: readFileSync(signed.key, 'utf8') }
  }

  filesOf(signed: Signed, { requestsCertificate = false } = {}): TlsFiles {
    return { ...signed, clientCa: requestsCertificate ? this.ca : null }
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: 'pipe' })
  }
}
