/** Defines the zod schemas of single values which most replies and events contain. */

import { z } from 'zod'
import { limits } from '../kernel/limits/table.ts'

export const path = z.string().describe('Pathname, which is also the URL path')
export const time = z.iso.datetime().describe('RFC 3339, UTC')
export const limitName = z.enum(limits.map(({ name }) => name))
export const whole = z.int()
/** JavaScript and others round numbers of 2^53 or more. */
export const largeNumber = z
  .string()
  .regex(/^\d{16,20}$/)
  .describe('Decimal digits of a number of 2^53 or more')
