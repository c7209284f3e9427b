/** Handles SIGHUP: reads tokens and certificates again, or ends the service when its terminal is gone. */

import { isatty } from 'node:tty'
import type { FastifyBaseLogger } from 'fastify'
import type { Access } from './access.ts'

const standardStreams = [0, 1, 2]

export interface HangUpParts {
  readonly access: Pick<Access, 'hasFiles' | 'reload'>
  readonly logger: Pick<FastifyBaseLogger, 'warn'>
  /** Called after the files were read. */
  readonly renew: () => void
  /** Ends the service in order. */
  readonly end: () => void
}

/**
 * Listens for SIGHUP from now on. A terminal that is closed sends it too: then a stream that was a terminal is none any
 * more, and nobody reads what the service writes.
 */
export function handleHangUps({ access, logger, renew, end }: HangUpParts): void {
  const terminals = standardStreams.filter((stream) => isatty(stream))
  process.on('SIGHUP', () => {
    if (terminals.some((stream) => !isatty(stream))) end()
    else if (!access.hasFiles) logger.warn('SIGHUP: nothing to reload, because there is no token or certificate file')
    else if (access.reload()) renew()
  })
}
