/** Parses `/proc/P/maps`: finds the memory mappings that hold given addresses. */

import { textOfBytes } from './byte-text.ts'

/** One line of `/proc/P/maps`: a virtual memory area. */
export interface Vma {
  readonly start: number
  readonly end: number
  /** In the kernel's notation: `rw-p`. */
  readonly permissions: string
  /** A path, `[stack]`, or empty for anonymous memory. */
  readonly name: string
}

const newline = 10
const minus = 45
const space = 32

function endOfLine(bytes: Uint8Array, at: number, length: number): number {
  const end = bytes.indexOf(newline, at)
  return end === -1 || end > length ? length : end
}

function hexadecimalAt(bytes: Uint8Array, at: number, stop: number): number {
  let value = 0
  for (let next = at; bytes[next] !== stop; next++) {
    const byte = bytes[next]
    if (byte === undefined || byte === newline) return Number.NaN
    value = value * 16 + (byte <= 57 ? byte - 48 : byte - 87)
  }
  return value
}

function indexAfter(bytes: Uint8Array, at: number, stop: number): number {
  return bytes.indexOf(stop, at) + 1
}

/**
 * A line has address range, permissions, offset, device, inode, then blanks and a name that may itself have blanks.
 * Null for a line that is cut off or has another form: it describes no mapping.
 */
function vmaOf(bytes: Uint8Array, line: number, lineEnd: number): Vma | null {
  const end = indexAfter(bytes, line, minus)
  const permissions = indexAfter(bytes, end, space)
  let name = permissions + 5
  if (end === 0 || permissions <= end || name > lineEnd) return null
  for (let field = 0; field < 2; field++) name = indexAfter(bytes, name, space)
  if (name === 0 || name > lineEnd) return null
  while (name < lineEnd && bytes[name] !== space) name++
  while (name < lineEnd && bytes[name] === space) name++
  return {
    start: hexadecimalAt(bytes, line, minus),
    end: hexadecimalAt(bytes, end, space),
    permissions: textOfBytes(bytes, permissions, permissions + 4),
    name: textOfBytes(bytes, name, lineEnd),
  }
}

/**
 * The VMAs that hold `addresses`, in the same order; null for an address in no VMA. Preconditions: the addresses
 * ascend. One walk finds all, because a process with thousands of threads has thousands of lines.
 */
export function findVmas(bytes: Uint8Array, length: number, addresses: readonly number[]): (Vma | null)[] {
  const found: (Vma | null)[] = []
  for (let line = 0; line < length && found.length < addresses.length; ) {
    const lineEnd = endOfLine(bytes, line, length)
    const end = hexadecimalAt(bytes, indexAfter(bytes, line, minus), space)
    // Lines are sorted by address: the first one that ends above the address decides.
    let vma: Vma | null = null
    for (
      let address = addresses[found.length];
      address !== undefined && address < end;
      address = addresses[found.length]
    ) {
      vma ??= vmaOf(bytes, line, lineEnd)
      found.push(vma !== null && vma.start <= address ? vma : null)
    }
    line = lineEnd + 1
  }
  while (found.length < addresses.length) found.push(null)
  return found
}

/** The VMA that holds one address; null if there is none. */
export function findVma(bytes: Uint8Array, length: number, address: number): Vma | null {
  return findVmas(bytes, length, [address])[0] ?? null
}

export interface MappedPlace {
  /** A shared mapping: other processes that map it see each write. */
  readonly isShared: boolean
  /** The file, by its device (in the kernel's notation) and inode, and the offset of the address in it. */
  readonly device: string
  readonly inode: string
  readonly offset: number
  /** Path of the file as the kernel shows it, and the end of the mapping. */
  readonly name: string
  readonly end: number
}

interface Line extends Omit<MappedPlace, 'isShared'> {
  readonly start: number
  readonly permissions: string
}

function lineOf(bytes: Uint8Array, line: number, lineEnd: number): Line {
  const [range = '', permissions = '', offset = '', device = '', inode = '', ...rest] = textOfBytes(
    bytes,
    line,
    lineEnd,
  ).split(' ')
  const name = rest.join(' ').trimStart()
  const [start, end] = [Number.parseInt(range, 16), Number.parseInt(range.slice(range.indexOf('-') + 1), 16)]
  return { start, end, permissions, offset: Number.parseInt(offset, 16), device, inode, name }
}

/** Position of the line of the mapping at an address; -1 if nothing is mapped there. */
function lineAt(bytes: Uint8Array, length: number, address: number): number {
  for (let line = 0; line < length; line = endOfLine(bytes, line, length) + 1) {
    const end = hexadecimalAt(bytes, indexAfter(bytes, line, minus), space)
    if (address < end) return address < hexadecimalAt(bytes, line, minus) ? -1 : line
  }
  return -1
}

/** The mapping at an address; null if nothing is mapped there. */
export function findPlace(bytes: Uint8Array, length: number, address: number): MappedPlace | null {
  const line = lineAt(bytes, length, address)
  if (line === -1) return null
  const { start, permissions, offset, ...place } = lineOf(bytes, line, endOfLine(bytes, line, length))
  return { ...place, isShared: permissions[3] === 's', offset: offset + address - start }
}

// A dynamic linker maps a file in few parts, one after the other.
const partsMax = 16

/** Address of the beginning of the file that is mapped at an address; null if that is not mapped, just before it. */
export function findImageStart(bytes: Uint8Array, length: number, address: number): number | null {
  let line = lineAt(bytes, length, address)
  const found = line === -1 ? null : lineOf(bytes, line, endOfLine(bytes, line, length))
  for (let part = 0; found !== null && part < partsMax; part++) {
    const { start, offset, device, inode } = lineOf(bytes, line, endOfLine(bytes, line, length))
    if (device !== found.device || inode !== found.inode) return null
    if (offset === 0) return start
    if (line === 0) return null
    line = bytes.lastIndexOf(newline, line - 2) + 1
  }
  return null
}

/**
 * Whether the process maps the file shared, so that others that map it see each write. Only lines with these numbers
 * are read, because a process may have a million lines.
 */
export function mapsShared(
  bytes: Uint8Array,
  length: number,
  { device, inode }: Pick<MappedPlace, 'device' | 'inode'>,
): boolean {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, length)
  const wanted = Buffer.from(` ${device} ${inode} `)
  for (let at = view.indexOf(wanted); at !== -1; ) {
    const lineEnd = endOfLine(bytes, at, length)
    const line = lineOf(bytes, view.lastIndexOf(newline, at) + 1, lineEnd)
    if (line.permissions[3] === 's' && line.device === device && line.inode === inode) return true
    at = view.indexOf(wanted, lineEnd)
  }
  return false
}

const stackMark = Buffer.from('[stack]\n')

/** The main thread's stack. */
export function findMainStack(bytes: Uint8Array, length: number): Vma | null {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, length)
  const mark = view.lastIndexOf(stackMark)
  if (mark === -1) return null
  const line = mark === 0 ? 0 : view.lastIndexOf(newline, mark - 1) + 1
  return vmaOf(bytes, line, mark + stackMark.length - 1)
}

/** Whether it may be a thread's stack: private, writable memory that belongs to no file. */
export function canBeStack(vma: Vma): boolean {
  return vma.permissions.startsWith('rw') && vma.permissions[3] === 'p' && (vma.name === '' || vma.name.startsWith('['))
}
