/** Defines the settings of where the service listens, and of the proxies in front of it. */

import { isIP } from 'node:net'
import { z } from 'zod'

const trustedProxy = z.string().refine(isProxy, {
  error: 'expected addresses such as 10.0.0.2, ranges such as 10.0.0.0/8, loopback or unix',
})

/** An address, a range of addresses, or a name for one. */
function isProxy(text: string): boolean {
  if (text === 'loopback' || text === 'unix') return true
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32))
}

export const listeningShape = {
  host: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('address to listen on; an address that is not loopback needs --token-file'),
  port: z.int().min(0).max(65_535).default(7007).describe('port to listen on; 0 chooses a free one'),
  allowHost: z
    .array(z.string().min(1))
    .optional()
    .describe('more accepted values of the Host header, with port; separated by commas, in the file a list'),
  basePath: z
    .string()
    .regex(/^(\/(?!\.\.?(\/|$))[\w.~-]+)+\/?$/, 'expected a path such as /introspectd')
    .transform((text) => text.replace(/\/$/, ''))
    .optional()
    .describe(
      'prefix of the paths under which a proxy serves the service, such as /introspectd; requests with and without it are answered, and every URL in a reply has it',
    ),
  trustProxy: z
    .array(trustedProxy)
    .optional()
    .describe(
      'proxies whose X-Forwarded-For, -Proto, -Prefix and Forwarded are believed: addresses, ranges such as 10.0.0.0/8, loopback, or unix for every peer of a unix socket',
    ),
}
