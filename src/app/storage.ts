/** Opens what outlives the service, as configured: or says why there is nothing of it, and the service goes on without. */

import type { FastifyBaseLogger } from 'fastify'
import { dataDirectory } from '../config/data.ts'
import { type Config, environment, MiB } from '../config/settings.ts'
import { openDirectory, UnusableError } from '../journal/data-directory.ts'
import type { AppParts } from './build.ts'

export interface OpenedStorage extends Pick<AppParts, 'storage' | 'storageFault' | 'setAside' | 'firstSequence'> {
  /** Where events are kept, for whoever started the service. */
  readonly place: string
  close(): void
}

const inMemory = 'in memory, and end with this process'

/** @throws StoreError where the directory is another's, or none at all */
export function openStorage(
  config: Config,
  { logger, now }: { logger: FastifyBaseLogger; now: () => number },
): OpenedStorage {
  const directory = dataDirectory(config, environment)
  if (directory === null) return { place: `${inMemory}; --data DIR keeps them`, close: () => {} }
  // Cursors of what cannot be read are to be known as old, on a virtual clock too.
  const anew = { firstSequence: now() * 1000 }
  try {
    const { store, setAside, close } = openDirectory(directory, now())
    const storage = { store, retention: { ageMsMax: config.journalKeep, bytesMax: config.journalSize * MiB } }
    if (setAside === null) return { storage, place: `in ${directory}`, close }
    logger.error(setAside, 'the journal is damaged: it is set aside, and a new one begun')
    return { storage, setAside, ...anew, place: `in ${directory}; a damaged journal is now ${setAside.file}`, close }
  } catch (error) {
    if (!(error instanceof UnusableError)) throw error
    const storageFault = error.message
    return { storageFault, ...anew, place: `${inMemory}: ${storageFault}`, close: () => {} }
  }
}
