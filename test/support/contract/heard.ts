/** What was heard since it was last asked for, and what is wrong with it. */

import { inject } from 'vitest'
import type { Exchange } from './exchange.ts'
import type { OpenApiCheck } from './openapi.ts'

let check: Promise<OpenApiCheck> | null = null
let pending: Promise<readonly string[]>[] = []

async function violationsOf(exchange: Exchange): Promise<readonly string[]> {
  // Most test files speak no HTTP: they do not pay for it.
  check ??= import('./openapi.ts').then(({ OpenApiCheck }) => new OpenApiCheck(inject('openApi')))
  return (await check).violations(exchange)
}

export const hear = (exchange: Exchange): void => void pending.push(violationsOf(exchange))

/** Each once. */
export async function takeViolations(): Promise<string[]> {
  const checked = pending
  pending = []
  return [...new Set((await Promise.all(checked)).flat())]
}
