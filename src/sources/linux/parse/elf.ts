/** Finds the functions of a 64-bit ELF file by their position in it. Pure: a callback reads the file. */

export interface ElfFunctions {
  /** It is a C library, or the part of one with the locks: it defines `pthread_mutex_lock`. */
  readonly definesMutexes: boolean
  /**
   * Names of the function at this offset of the file. Null if the file names only its exported functions and none of
   * them is there.
   */
  readonly namesAt: (offset: number) => readonly string[] | null
}

/** Reads `bytes` bytes at a position of the file; null if there are fewer. */
export type ReadBytes = (position: number, bytes: number) => DataView | null

const headerBytes = 64
const sectionBytes = 64
const segmentBytes = 56
const symbolBytes = 24
const magic = 0x464c457f
const class64 = 2
const littleEndian = 1
const symbolsOfFile = 2
const symbolsExported = 11
const segmentLoaded = 1
const typeFunction = 2
const typeIndirect = 10
// Programs with larger tables are not read: a C library's tables are much smaller.
const tableBytesMax = 64 * 1024 * 1024

function u16(view: DataView, at: number): number {
  return view.getUint16(at, true)
}

function u32(view: DataView, at: number): number {
  return view.getUint32(at, true)
}

function u64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + u32(view, at)
}

/** Null if it is not such a file, or its tables cannot be read. */
export function parseElf(read: ReadBytes): ElfFunctions | null {
  const header = read(0, headerBytes)
  if (header === null || u32(header, 0) !== magic) return null
  if (header.getUint8(4) !== class64 || header.getUint8(5) !== littleEndian) return null
  const segments = rowsOf(read, u64(header, 32), u16(header, 56), segmentBytes)
  const sections = rowsOf(read, u64(header, 40), u16(header, 60), sectionBytes)
  if (segments === null || sections === null) return null
  const tableOf = (type: number) => symbolsOf(read, sections, type)
  const exported = tableOf(symbolsExported)
  const all = tableOf(symbolsOfFile)
  return {
    definesMutexes: exported?.some(({ name }) => name === 'pthread_mutex_lock') ?? false,
    namesAt: (offset) => {
      const address = addressOf(segments, offset)
      const at = (table: readonly Symbol[] | null) =>
        table?.flatMap(({ name, start, end }) => (address >= start && address < end ? [name] : [])) ?? []
      return all === null && at(exported).length === 0 ? null : [...at(exported), ...at(all)]
    },
  }
}

function rowsOf(read: ReadBytes, position: number, count: number, bytes: number): DataView[] | null {
  const table = read(position, count * bytes)
  if (table === null) return null
  return Array.from({ length: count }, (_, row) => new DataView(table.buffer, table.byteOffset + row * bytes, bytes))
}

function addressOf(segments: readonly DataView[], offset: number): number {
  for (const segment of segments) {
    const begin = u64(segment, 8)
    if (u32(segment, 0) === segmentLoaded && offset >= begin && offset < begin + u64(segment, 32))
      return offset - begin + u64(segment, 16)
  }
  return Number.NaN
}

interface Symbol {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The functions that the file defines; null if it has no such table. */
function symbolsOf(read: ReadBytes, sections: readonly DataView[], type: number): Symbol[] | null {
  const section = sections.find((row) => u32(row, 4) === type)
  const names = section && sections[u32(section, 40)]
  if (section === undefined || names === undefined) return null
  const [bytes, namesBytes] = [u64(section, 32), u64(names, 32)]
  if (bytes > tableBytesMax || namesBytes > tableBytesMax) return null
  const table = read(u64(section, 24), bytes)
  const texts = read(u64(names, 24), namesBytes)
  if (table === null || texts === null) return null
  const text = Buffer.from(texts.buffer, texts.byteOffset, texts.byteLength)
  const symbols: Symbol[] = []
  for (let at = 0; at + symbolBytes <= bytes; at += symbolBytes) {
    const kind = table.getUint8(at + 4) & 15
    const isDefined = u16(table, at + 6) !== 0
    if (!isDefined || (kind !== typeFunction && kind !== typeIndirect)) continue
    const begin = u32(table, at)
    const start = u64(table, at + 8)
    symbols.push({
      name: text.toString('latin1', begin, text.indexOf(0, begin)),
      start,
      end: start + u64(table, at + 16),
    })
  }
  return symbols
}
