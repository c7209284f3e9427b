/** Where a service keeps what outlives it. One service at a time: the second is refused. */

import { closeSync, existsSync, mkdirSync, openSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventStore, isCorruption, StoreError } from './store.ts'

export interface OpenedStore {
  readonly store: EventStore
  /** A damaged journal that was moved out of the way, and what is wrong with it; null: there was none. */
  readonly setAside: { readonly file: string; readonly reason: string } | null
  /** Closes the store, and lets others have the directory. */
  close(): void
}

export const journalFile = (directory: string): string => join(directory, 'journal.sqlite')

/** Made where it is not there. `now` is ms of Unix time. @throws StoreError */
export function openDirectory(directory: string, now: number): OpenedStore {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const unlock = lock(directory)
    try {
      const opened = openStore(journalFile(directory), now)
      return {
        ...opened,
        close: () => {
          opened.store.close()
          unlock()
        },
      }
    } catch (error) {
      unlock()
      throw error
    }
  } catch (error) {
    if (error instanceof StoreError) throw error
    throw new StoreError(`${directory}: ${messageOf(error)}`)
  }
}

/** The kernel releases it when the process ends, however it ends. */
function lock(directory: string): () => void {
  const held = new DatabaseSync(join(directory, 'lock'))
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    held.close()
    const isHeld = error instanceof Error && 'errcode' in error && error.errcode === 5
    throw isHeld ? new StoreError(`${directory} is in use by another introspectd`) : error
  }
  return () => held.close()
}

function openStore(file: string, now: number): Pick<OpenedStore, 'store' | 'setAside'> {
  try {
    return { store: openPrivately(file), setAside: null }
  } catch (error) {
    if (!isCorruption(error)) throw error
    const aside = { file: setAside(file, now), reason: messageOf(error) }
    return { store: openPrivately(file), setAside: aside }
  }
}

/** What processes did is for nobody else to read, whatever the directory allows. What SQLite puts beside the file is as the file is. */
function openPrivately(file: string): EventStore {
  closeSync(openSync(file, 'a', 0o600))
  return new EventStore(file)
}

/** Never deleted: somebody may still want to read what can be read. Returns where it is now. */
function setAside(file: string, now: number): string {
  const time = new Date(now).toISOString().replaceAll(/[-:]/g, '')
  const stem = file.replace(/\.sqlite$/, `.corrupt-${time}`)
  let aside = `${stem}.sqlite`
  for (let count = 2; existsSync(aside); count++) aside = `${stem}-${count}.sqlite`
  for (const suffix of ['', '-wal', '-shm'])
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${aside}${suffix}`)
  return aside
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
