/** Opens the data directory with the journal, as configured. If that fails, the service runs without, and says why. */

import type { FastifyBaseLogger } from 'fastify'
import { dataDirectory } from '../config/data.ts'
import { environment } from '../config/environment.ts'
import { type Config, MiB } from '../config/settings.ts'
import { openDirectory, UnusableError } from '../journal/data-directory.ts'
import { hasWanted } from '../tree/event-types.ts'
import type { AppParts } from './build.ts'

export interface OpenedStorage extends Pick<AppParts, 'storage' | 'storageFault' | 'setAside' | 'firstSequence'> {
  /** A phrase for the message at start: where events are stored. */
  readonly place: string
  /** Null: nothing is stored on disk. */
  readonly directory: string | null
  close(): void
}

const inMemory = 'in memory, and are lost when this process ends'

/** @throws StoreError when another service uses the directory, or it is not a directory */
export function openStorage(
  config: Config,
  { logger, now }: { logger: FastifyBaseLogger; now: () => number },
): OpenedStorage {
  const directory = dataDirectory(config, environment)
  if (directory === null) return { place: `${inMemory}; --data DIR stores them on disk`, directory, close: () => {} }
  // Cursors into a journal that cannot be read must be recognisably old, also with a virtual clock.
  const fresh = { firstSequence: now() * 1000 }
  try {
    const { store, setAside, close } = openDirectory(directory, now())
    const { journalKeep: ageMsMax, journalSize, journalShare, journalTypes } = config
    const retention = { ageMsMax, bytesMax: journalSize * MiB, lifeShare: journalShare / 100 }
    const stores = (type: string) => hasWanted(journalTypes, [type])
    const storage = { store, retention, stores }
    if (setAside === null) return { storage, place: `in ${directory}`, directory, close }
    logger.error(setAside, 'the journal is damaged: it was moved away, and a new one was begun')
    return {
      storage,
      setAside,
      ...fresh,
      place: `in ${directory}; a damaged journal is now ${setAside.file}`,
      directory,
      close,
    }
  } catch (error) {
    if (!(error instanceof UnusableError)) throw error
    const storageFault = error.message
    return { storageFault, ...fresh, place: `${inMemory}: ${storageFault}`, directory: null, close: () => {} }
  }
}
