/** Reads the path of the executable of a process. */

import { textOfBytes } from '../parse/byte-text.ts'
import { readlink, statx } from './libc.ts'

const deletedSuffix = ' (deleted)'
// AT_STATX_DONT_SYNC: a file system that does not answer must not block the caller, so its cached values are used.
const dontSync = 0x4000
const maskOfLinks = 0x4
const linksAt = 16

const path = Buffer.allocUnsafeSlow(4096)
const status = Buffer.alloc(256)

/** @param directory The directory of the process in /proc. Null if there is none, or if it may not be read. */
export function readExecutable(directory: string): string | null {
  const link = `${directory}/exe`
  const length = readlink(link, path, path.length)
  if (length <= 0) return null
  const text = textOfBytes(path, 0, length)
  return text.endsWith(deletedSuffix) && isDeleted(link) ? text.slice(0, -deletedSuffix.length) : text
}

/**
 * The kernel adds the suffix if the file has no name any more, but the name of a file may also end like that. A file
 * with a name has links.
 */
function isDeleted(link: string): boolean {
  return statx(0, link, dontSync, maskOfLinks, status) !== 0 || status.readUInt32LE(linksAt) === 0
}
