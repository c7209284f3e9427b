/** Defines the settings of where the service listens, and of the proxies in front of it. */

import { isIP } from 'node:net'
import { z } from 'zod'
import { marks } from './row.ts'

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

/** The longest path of a unix socket on Linux, in bytes. */
const socketPathBytesMax = 107

const unixScheme = 'unix:'

/** A place to listen on: the name or address of a host, or the path of a unix socket. */
export type ListeningPlace = { readonly host: string } | { readonly path: string }

/** The places in the text of `--host`. */
export function listeningPlaces(text: string): readonly ListeningPlace[] {
  return text.split(',').map((part) => {
    const place = part.trim()
    return place.startsWith(unixScheme) ? { path: place.slice(unixScheme.length) } : { host: place }
  })
}

function isPlace(place: ListeningPlace): boolean {
  if ('host' in place) return place.host !== ''
  return place.path.startsWith('/') && Buffer.byteLength(place.path) <= socketPathBytesMax
}

export const listeningShape = {
  host: z
    .string()
    .refine((text) => listeningPlaces(text).every(isPlace), {
      error: `expected addresses such as 127.0.0.1, or unix: and an absolute path of at most ${socketPathBytesMax} bytes`,
    })
    .default('localhost')
    .describe(
      'addresses and unix sockets to listen on, separated by commas, such as 127.0.0.1,unix:/run/introspectd.sock; localhost is 127.0.0.1 and ::1; an address that is not loopback needs --token-file',
    )
    .register(marks, { repeats: true }),
  port: z.int().min(0).max(65_535).default(7007).describe('port to listen on, at every address; 0 chooses a free one'),
  socketMode: z
    .string()
    .regex(/^0?[0-7]{3}$/, 'expected an octal mode such as 0660')
    .default('0660')
    .describe('mode of the unix sockets in --host: who may connect; in the file in quotes'),
  socketGroup: z
    .string()
    .min(1)
    .optional()
    .describe("group of the unix sockets in --host, by name or number; default: the service's own"),
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
