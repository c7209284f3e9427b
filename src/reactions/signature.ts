/** Signs webhooks as Standard Webhooks (standardwebhooks.com) does: HMAC-SHA256 over id, time and body. */

import { createHmac } from 'node:crypto'

/** The text is no secret. */
export class SecretError extends Error {
  constructor() {
    super('a secret is "whsec_" and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes one')
    this.name = 'SecretError'
  }
}

/** Parses one or more secrets, separated by white space. With several, each signs, so that one can be replaced. */
export function parseSecrets(text: string): Buffer[] {
  const words = text.split(/\s+/).filter((word) => word !== '')
  if (words.length === 0) throw new SecretError()
  return words.map((word) => {
    const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(word) ?? []
    const key = Buffer.from(base64 ?? '', 'base64')
    if (key.length < 24 || key.length > 64) throw new SecretError()
    return key
  })
}

export interface Signed {
  readonly id: string
  /** Seconds of Unix time. */
  readonly timestamp: number
  readonly body: string
}

/** The headers of the signature. */
export function signatureHeaders(secrets: readonly Buffer[], { id, timestamp, body }: Signed): Record<string, string> {
  const signatures = secrets.map(
    (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  )
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    ...(signatures.length > 0 && { 'webhook-signature': signatures.join(' ') }),
  }
}
