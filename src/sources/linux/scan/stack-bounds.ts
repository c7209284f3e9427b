/**
 * Finds the stack of a thread within a mapping. A mapping may hold the stacks of several threads side by side, for
 * example those of glibc from 2.42 on, or of a program that allocates them itself.
 */

import { ResidentMemory } from '../locks/resident-memory.ts'
import { robustListOf } from '../native/libc.ts'
import type { ProcFiles } from '../native/proc-files.ts'
import type { Vma } from '../parse/maps.ts'
import { descriptorBytesMax, findStackBlock, type StackBlock } from '../parse/thread-descriptor.ts'
import type { TrackedProcess } from '../tracked/tracked-process.ts'
import type { TrackedThread } from '../tracked/tracked-thread.ts'

const outside = 'its stack pointer is outside its own stack: it runs on another one, such as that of a coroutine'
const shared = 'several threads have their stacks in one mapping, and the bounds of each are unknown'

function holds({ start, end }: StackBlock, address: number): boolean {
  return address >= start && address < end
}

export class StackBounds {
  readonly #files: ProcFiles
  readonly #memory: ResidentMemory
  readonly #ownNamespace: boolean

  constructor(files: ProcFiles, { ownNamespace, pageBytes }: { ownNamespace: boolean; pageBytes: number }) {
    this.#files = files
    this.#memory = new ResidentMemory(files, { pageBytes, holdFrom: 2 })
    this.#ownNamespace = ownNamespace
  }

  /** Address in the thread's descriptor, which glibc has at the top of the thread's stack; 0 if unknown. */
  descriptorOf({ tid }: TrackedThread): number {
    return this.#ownNamespace ? robustListOf(tid) : 0
  }

  /**
   * The thread's stack in the mapping that holds the address; a string is the reason why it is unknown.
   * Preconditions: `thread.stackAddress` is that address, for each thread that was looked up.
   */
  find(process: TrackedProcess, thread: TrackedThread, vma: Vma): StackBlock | string {
    const block = this.#readBlock(process, thread)
    if (block !== null) {
      const start = Math.max(block.start, vma.start)
      const own = { start, end: Math.min(block.end, vma.end) }
      return holds(own, thread.stackAddress) ? own : outside
    }
    if (vma.name === '[stack]') return vma
    let isShared = false
    for (const other of process.threads) {
      if (other === thread || other.dead || other.gone || !holds(vma, other.stackAddress)) continue
      isShared = true
      // It was alone there when its stack was looked up, so the whole mapping was taken for its stack.
      if (other.stackStart === vma.start && other.stackEnd === vma.end) this.#forget(process, other)
    }
    return isShared ? shared : vma
  }

  #forget(process: TrackedProcess, thread: TrackedThread): void {
    thread.stackStart = 0
    thread.stackEnd = 0
    thread.stackTimesRun = -1
    process.stacksPending = true
  }

  /** Null if the C library recorded none that is known here. */
  #readBlock(process: TrackedProcess, thread: TrackedThread): StackBlock | null {
    const address = this.descriptorOf(thread)
    if (address === 0) return null
    // The program chooses the address, and its page may be part of a file.
    const extent = this.#memory.extent(process, address, descriptorBytesMax)
    const length = extent <= 0 ? extent : this.#memory.read(process, address, extent)
    return length <= 0 ? null : findStackBlock(this.#files.bytes, length, address)
  }
}
