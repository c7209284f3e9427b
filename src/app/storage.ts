/** Opens what outlives the service, as configured: or says why there is nothing of it, and the service goes on without. */

import type { FastifyBaseLogger } from 'fastify'
import { dataDirectory } from '../config/data.ts'
import { type Config, environment, MiB } from '../config/settings.ts'
import { openDirectory, UnusableError } from '../journal/data-directory.ts'
import type { AppParts } from './build.ts'

export interface Kept extends Pick<AppParts, 'keeping' | 'unkept' | 'setAside' | 'firstSequence'> {
  /** Where events are kept, for whoever started the service. */
  readonly place: string
  close(): void
}

const inMemory = 'in memory, and end with this process'

/** @throws StoreError where the directory is another's, or none at all */
export function openKept(config: Config, { logger, now }: { logger: FastifyBaseLogger; now: () => number }): Kept {
  const directory = dataDirectory(config, environment)
  if (directory === null) return { place: `${inMemory}; --data DIR keeps them`, close: () => {} }
  // Cursors of what cannot be read are to be known as old, on a virtual clock too.
  const anew = { firstSequence: now() * 1000 }
  try {
    const { store, setAside, close } = openDirectory(directory, now())
    const keeping = { store, retention: { keepMs: config.journalKeep, bytesMax: config.journalSize * MiB } }
    if (setAside === null) return { keeping, place: `in ${directory}`, close }
    logger.error(setAside, 'the journal is damaged: it is set aside, and a new one begun')
    return { keeping, setAside, ...anew, place: `in ${directory}; a damaged journal is now ${setAside.file}`, close }
  } catch (error) {
    if (!(error instanceof UnusableError)) throw error
    const unkept = error.message
    return { unkept, ...anew, place: `${inMemory}: ${unkept}`, close: () => {} }
  }
}
