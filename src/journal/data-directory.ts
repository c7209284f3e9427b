/** Opens the data directory with the journal. Only one service at a time may use it: a second is refused. */

import { closeSync, existsSync, mkdirSync, openSync, renameSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { EventStore, isCorruption, StoreError } from './store.ts'

/** A damaged journal that was moved away, and what is wrong with it. */
export interface SetAside {
  readonly file: string
  readonly reason: string
}

export interface OpenedStore {
  readonly store: EventStore
  /** Null when the journal was not damaged. */
  readonly setAside: SetAside | null
  /** Closes the store and unlocks the directory. */
  close(): void
}

/** The directory is not writable or its disk is full. A service can run without it. */
export class UnusableError extends StoreError {}

export function journalFile(directory: string): string {
  return join(directory, 'journal.sqlite')
}

/** Creates the directory if it does not exist. `now` is ms of Unix time. @throws StoreError */
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

/** Creates one level at a time: a recursive mkdir on a read-only file system fails with a misleading ENOENT. */
function makeDirectory(directory: string): void {
  if (!existsSync(directory)) {
    makeDirectory(dirname(directory))
    mkdirSync(directory, { mode: 0o700 })
  }
  if (!statSync(directory).isDirectory()) throw new StoreError(`${directory} is a file, not a directory`)
}

const unusable: readonly unknown[] = ['EROFS', 'EACCES', 'EPERM', 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE']
/** SQLite codes PERM, READONLY, IOERR, FULL, CANTOPEN. */
const unusableCodes: readonly number[] = [3, 8, 10, 13, 14]

function isUnusable(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if ('errcode' in error) return unusableCodes.includes(Number(error.errcode) & 0xff)
  return 'code' in error && unusable.includes(error.code)
}

/** The kernel releases this lock when the process ends, in any way. */
function lock(directory: string): () => void {
  const held = new DatabaseSync(join(directory, 'lock'))
  try {
    held.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    held.close()
    const isHeld = error instanceof Error && 'errcode' in error && error.errcode === 5
    if (!isHeld) throw error
    throw new StoreError(
      `${directory} is in use by another introspectd: end that one, or choose another directory with --data DIR, or --data memory`,
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

/** Creates the file for its owner only, whatever the directory allows. SQLite gives its other files the same mode. */
function openPrivately(file: string): EventStore {
  closeSync(openSync(file, 'a', 0o600))
  return new EventStore(file)
}

/** Renames a damaged journal: someone may still want to recover data from it. Returns the new path. */
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
