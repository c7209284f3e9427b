/** Handles SIGHUP: reads tokens, certificates and rules again, or ends the service when its terminal is gone. */

import { isatty } from 'node:tty'
import type { FastifyBaseLogger } from 'fastify'
import type { Access } from './access.ts'

const standardStreams = [0, 1, 2]

export interface HangUpParts {
  readonly access: Pick<Access, 'hasFiles' | 'reload'>
  readonly logger: Pick<FastifyBaseLogger, 'warn'>
  /** Called after the files were read. */
  readonly renew: () => void
  /** Whether a file or directory of rules is configured. */
  readonly hasRules: boolean
  /** Reads the rules again. A fault is logged. */
  readonly reloadRules: () => void
  /** Ends the service in order. */
  readonly end: () => void
}

/**
 * Listens for SIGHUP from now on. A terminal that is closed sends it too: then a stream that was a terminal is none any
 * more, and nobody reads what the service writes.
 */
export function handleHangUps({ access, logger, renew, hasRules, reloadRules, end }: HangUpParts): void {
  const terminals = standardStreams.filter((stream) => isatty(stream))
  process.on('SIGHUP', () => {
    if (terminals.some((stream) => !isatty(stream))) {
      end()
      return
    }
    if (!access.hasFiles && !hasRules)
      logger.warn('SIGHUP: nothing to reload, because there is no file of tokens, certificates or rules')
    if (access.hasFiles && access.reload()) renew()
    if (hasRules) reloadRules()
  })
}
