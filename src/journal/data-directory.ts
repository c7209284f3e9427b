/** Where a service keeps what outlives it. One service at a time: the second is refused. */

import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventStore, isCorruption, StoreError } from './store.ts'

/** A damaged journal that was moved out of the way, and what is wrong with it. */
export interface SetAside {
  readonly file: string
  readonly reason: string
}

export interface OpenedStore {
  readonly store: EventStore
  /** Null: nothing was damaged. */
  readonly setAside: SetAside | null
  /** Closes the store, and lets others have the directory. */
  close(): void
}

/** A directory that cannot be written to, or has no room: a service can do without. */
export class UnusableError extends StoreError {}

export function journalFile(directory: string): string {
  return join(directory, 'journal.sqlite')
}

/** Made where it is not there. `now` is ms of Unix time. @throws StoreError */
export function openDirectory(directory: string, now: number): OpenedStore {
  try {
    makeDirectory(directory)
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
    throw new (isUnusable(error) ? UnusableError : StoreError)(`${directory}: ${messageOf(error)}`)
  }
}

/** One after the other: made at once, what is on a read-only file system fails as if it were not there. */
function makeDirectory(directory: string): void {
  if (!existsSync(directory)) {
    makeDirectory(dirname(directory))
    mkdirSync(directory, { mode: 0o700 })
  }
  if (!statSync(directory).isDirectory()) throw new StoreError(`${directory} is a file, not a directory`)
}

const unusable: readonly unknown[] = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE']
/** Of SQLite: PERM, READONLY, IOERR, FULL, CANTOPEN. */
const unusableCodes: readonly number[] = [3, 8, 10, 13, 14]

function isUnusable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return unusableCodes.includes(Number(error.errcode) & 0xff)
  return 'code' in error && unusable.includes(error.code)
}

/** The kernel releases it when the process ends, however it ends. */
function lock(directory: string): () => void {
  const held = new DatabaseSync(join(directory, 'lock'))
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    held.close()
    const isHeld = error instanceof Error && 'errcode' in error && error.errcode === 5
    if (!isHeld) throw error
    throw new StoreError(
      `${directory} is in use by another introspectd: end that one, or give this one another place with --data DIR, or --data memory`,
    )
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
