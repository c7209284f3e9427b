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

/** A line has address range, permissions, offset, device, inode, then blanks and a name that may itself have blanks. */
function vmaOf(bytes: Uint8Array, line: number, lineEnd: number): Vma {
  const end = indexAfter(bytes, line, minus)
  const permissions = indexAfter(bytes, end, space)
  let name = permissions + 5
  for (let field = 0; field < 2; field++) name = indexAfter(bytes, name, space)
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
      found.push(vma.start <= address ? vma : null)
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
  /** Path of the file and address range, in the kernel's notation. */
  readonly name: string
  readonly range: string
}

/** The mapping at an address; null if nothing is mapped there. */
export function findPlace(bytes: Uint8Array, length: number, address: number): MappedPlace | null {
  for (let line = 0; line < length; ) {
    const lineEnd = endOfLine(bytes, line, length)
    const end = hexadecimalAt(bytes, indexAfter(bytes, line, minus), space)
    if (address < end) {
      const [range = '', permissions = '', offset = '', device = '', inode = '', ...rest] = textOfBytes(
        bytes,
        line,
        lineEnd,
      ).split(' ')
      const start = Number.parseInt(range, 16)
      if (address < start) return null
      return {
        isShared: permissions[3] === 's',
        device,
        inode,
        offset: Number.parseInt(offset, 16) + address - start,
        name: rest.join(' ').trimStart(),
        range,
      }
    }
    line = lineEnd + 1
  }
  return null
}

/** Whether the process maps the file shared, so that others that map it see each write. */
export function mapsShared(text: string, { device, inode }: Pick<MappedPlace, 'device' | 'inode'>): boolean {
  return text.split('\n').some((line) => {
    const [, permissions, , ofDevice, ofInode] = line.split(' ', 5)
    return permissions?.[3] === 's' && ofDevice === device && ofInode === inode
  })
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
