/**
 * Finds the functions of a 64-bit ELF file by their position in it, from the file or from its image in the memory of a
 * process. Pure: a callback reads the bytes. Any user may write such files, so what is read and searched is bounded.
 */

/** Reads `bytes` bytes at a position of the file, or at an address of the image; null if they cannot be read. */
export type ReadBytes = (position: number, bytes: number) => DataView | null

interface SymbolTable {
  readonly rows: DataView
  readonly names: Buffer
}

export interface ElfTables {
  readonly segments: readonly DataView[]
  /** Functions that the file exports, and all that it names. Null: it has no such table, or one that is too large. */
  readonly exported: SymbolTable | null
  readonly all: SymbolTable | null
  readonly bytes: number
}

const headerBytes = 64
const sectionBytes = 64
const segmentBytes = 56
const symbolBytes = 24
const dynamicBytes = 16
const magic = 0x464c457f
const class64 = 2
const littleEndian = 1
const symbolsOfFile = 2
const symbolsExported = 11
const segmentLoaded = 1
const segmentDynamic = 2
const tagStrings = 5
const tagSymbols = 6
const tagStringBytes = 10
const typeFunction = 2
const typeIndirect = 10
const segmentsMax = 64
const sectionsMax = 4096
const dynamicsMax = 1024
// Programs with larger tables are not read: a C library's tables are much smaller.
const symbolTableBytesMax = 4 * 1024 * 1024
const stringTableBytesMax = 8 * 1024 * 1024
// No function of a C library has a longer name, or as many names.
const nameBytesMax = 64
const namesMax = 64

function u16(view: DataView, at: number): number {
  return view.getUint16(at, true)
}

function u32(view: DataView, at: number): number {
  return view.getUint32(at, true)
}

function u64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 0x1_0000_0000 + u32(view, at)
}

function headerOf(read: ReadBytes, position: number): DataView | null {
  const header = read(position, headerBytes)
  if (header === null || u32(header, 0) !== magic) return null
  return header.getUint8(4) === class64 && header.getUint8(5) === littleEndian ? header : null
}

function segmentsOf(read: ReadBytes, header: DataView, position: number): DataView[] | null {
  const count = u16(header, 56)
  return count > segmentsMax ? null : rowsOf(read, position + u64(header, 32), count, segmentBytes)
}

function rowsOf(read: ReadBytes, position: number, count: number, bytes: number): DataView[] | null {
  const table = read(position, count * bytes)
  if (table === null) return null
  return Array.from({ length: count }, (_, row) => new DataView(table.buffer, table.byteOffset + row * bytes, bytes))
}

/** From the file. Null if it is not such a file, or cannot be read. */
export function parseFile(read: ReadBytes): ElfTables | null {
  const header = headerOf(read, 0)
  if (header === null || u16(header, 60) > sectionsMax) return null
  const segments = segmentsOf(read, header, 0)
  const sections = rowsOf(read, u64(header, 40), u16(header, 60), sectionBytes)
  if (segments === null || sections === null) return null
  const tableOf = (type: number): SymbolTable | null => {
    const section = sections.find((row) => u32(row, 4) === type)
    const names = section && sections[u32(section, 40)]
    if (section === undefined || names === undefined) return null
    const [symbols, strings] = [u64(section, 24), u64(names, 24)]
    return readTable(read, { symbols, symbolsBytes: u64(section, 32), strings, stringsBytes: u64(names, 32) })
  }
  return tablesOf(segments, tableOf(symbolsExported), tableOf(symbolsOfFile))
}

/**
 * From the image that begins at the address `start`. It has only exported functions, which the dynamic linker needs.
 * Null if there is no such image, or it cannot be read.
 */
export function parseImage(read: ReadBytes, start: number): ElfTables | null {
  const header = headerOf(read, start)
  const segments = header && segmentsOf(read, header, start)
  const dynamic = segments?.find((segment) => u32(segment, 0) === segmentDynamic)
  const first = segments?.find((segment) => u32(segment, 0) === segmentLoaded)
  if (!segments || dynamic === undefined || first === undefined) return null
  const bias = start - (u64(first, 16) - u64(first, 8))
  const rows = Math.min(dynamicsMax, Math.floor(u64(dynamic, 40) / dynamicBytes))
  const tags = rowsOf(read, bias + u64(dynamic, 16), rows, dynamicBytes)
  if (tags === null) return null
  const tagged = (tag: number): number => {
    const row = tags.find((each) => u64(each, 0) === tag)
    return row === undefined ? 0 : u64(row, 8)
  }
  // glibc's dynamic linker replaces addresses of the file by those in memory; that of musl does not.
  const placed = (address: number): number => (address >= start ? address : bias + address)
  const [symbols, strings] = [placed(tagged(tagSymbols)), placed(tagged(tagStrings))]
  // The size of the symbols is nowhere, but linkers put their names right behind them.
  const table = { symbols, symbolsBytes: strings - symbols, strings, stringsBytes: tagged(tagStringBytes) }
  return tablesOf(segments, readTable(read, table), null)
}

interface TablePlace {
  readonly symbols: number
  readonly symbolsBytes: number
  readonly strings: number
  readonly stringsBytes: number
}

function readTable(read: ReadBytes, { symbols, symbolsBytes, strings, stringsBytes }: TablePlace): SymbolTable | null {
  if (symbolsBytes <= 0 || symbolsBytes > symbolTableBytesMax || symbolsBytes % symbolBytes !== 0) return null
  if (stringsBytes <= 0 || stringsBytes > stringTableBytesMax) return null
  const rows = read(symbols, symbolsBytes)
  const texts = rows && read(strings, stringsBytes)
  if (!rows || !texts) return null
  return { rows, names: Buffer.from(texts.buffer, texts.byteOffset, texts.byteLength) }
}

function tablesOf(segments: readonly DataView[], exported: SymbolTable | null, all: SymbolTable | null): ElfTables {
  const sizeOf = (table: SymbolTable | null): number => (table ? table.rows.byteLength + table.names.length : 0)
  return { segments, exported, all, bytes: sizeOf(exported) + sizeOf(all) }
}

function addressOf(segments: readonly DataView[], offset: number): number {
  for (const segment of segments) {
    const begin = u64(segment, 8)
    if (u32(segment, 0) === segmentLoaded && offset >= begin && offset < begin + u64(segment, 32))
      return offset - begin + u64(segment, 16)
  }
  return Number.NaN
}

function isFunction(rows: DataView, at: number): boolean {
  const kind = rows.getUint8(at + 4) & 15
  return (kind === typeFunction || kind === typeIndirect) && u16(rows, at + 6) !== 0
}

/** Whether it is a C library, or the part of one with the locks. */
export function definesMutexes({ exported }: ElfTables): boolean {
  if (exported === null) return false
  const wanted = Buffer.from('pthread_mutex_lock\0')
  const { rows, names } = exported
  for (let at = 0; at < rows.byteLength; at += symbolBytes) {
    const begin = u32(rows, at)
    if (begin + wanted.length > names.length || names[begin] !== wanted[0] || !isFunction(rows, at)) continue
    if (names.compare(wanted, 0, wanted.length, begin, begin + wanted.length) === 0) return true
  }
  return false
}

function addNamesAt({ rows, names }: SymbolTable, address: number, into: string[]): void {
  for (let at = 0; at < rows.byteLength && into.length <= namesMax; at += symbolBytes) {
    const start = u64(rows, at + 8)
    if (address < start || address >= start + u64(rows, at + 16) || !isFunction(rows, at)) continue
    const begin = u32(rows, at)
    const text = names.toString('latin1', begin, begin + nameBytesMax)
    into.push(text.slice(0, Math.max(0, text.indexOf('\0'))))
  }
}

/**
 * Names of the function at this offset of the file; a name that is too long is empty. Null if the file names only its
 * exported functions and none of them is there, or if there are too many names for one function.
 */
export function namesAt({ segments, exported, all }: ElfTables, offset: number): readonly string[] | null {
  const address = addressOf(segments, offset)
  const found: string[] = []
  if (exported !== null) addNamesAt(exported, address, found)
  if (all === null && found.length === 0) return null
  if (all !== null) addNamesAt(all, address, found)
  return found.length > namesMax ? null : found
}
