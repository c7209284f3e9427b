/** Logs each threshold and default timer that is set or removed, with its owner. */

import type { FastifyBaseLogger } from 'fastify'
import type { Kernel } from '../kernel/kernel.ts'

const phrases = { set: 'set', gone: 'removed' } as const

export function logDefinitions({ notifier, timers }: Kernel, logger: Pick<FastifyBaseLogger, 'info'>): void {
  notifier.onDefined(({ threshold, change }) => {
    if (threshold === null || change === 'renewed') return
    const { path, owner } = threshold
    logger.info({ path, owner }, `a threshold was ${phrases[change]}`)
  })
  timers.onDefined(({ timeout, change }) => {
    const { path, owner } = timeout
    logger.info({ path, owner }, `a default timer was ${phrases[change]}`)
  })
}
