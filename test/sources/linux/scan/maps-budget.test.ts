/** Cost of looking up stacks: the length of `maps` counts, because any user decides it. */

import { expect, test } from 'vitest'
import { ProcFiles } from '../../../../src/sources/linux/native/proc-files.ts'
import { ReportBuilder } from '../../../../src/sources/linux/scan/report-builder.ts'
import { StackReader } from '../../../../src/sources/linux/scan/stack-reader.ts'
import { TrackedProcess } from '../../../../src/sources/linux/tracked/tracked-process.ts'
import { TrackedThread } from '../../../../src/sources/linux/tracked/tracked-thread.ts'

class LongMaps extends ProcFiles {
  readings = 0
  readonly #length: number

  constructor(length: number) {
    super()
    this.#length = length
    this.bytes = Buffer.alloc(length)
  }

  override readWhole(): number {
    this.readings++
    return this.#length
  }
}

/** Number of processes, of a hundred, whose stacks are looked up in one pass. */
function lookedUp(mapsBytes: number): number {
  const files = new LongMaps(mapsBytes)
  const options = { pageBytes: 4096, hugePageBytes: [], ownNamespace: false }
  const stacks = new StackReader(files, new ReportBuilder(), options)
  stacks.startPass()
  for (let pid = 1; pid <= 100; pid++) {
    const process = new TrackedProcess(pid, '/nowhere', { selfPid: null })
    const thread = new TrackedThread(pid, pid, process.path)
    process.threads = [thread]
    stacks.readBlocked(process, thread, 0x7f00_0000_0000)
    expect(stacks.finishProcess(process, false)).toBe(true)
    expect(process.stacksPending).toBe(files.readings < pid)
  }
  return files.readings
}

test.each([
  ['64 of ordinary length', 20_000, 64],
  ['fewer of some hundred mappings', 200_000, 16],
  ['one of many thousand mappings', 6_000_000, 1],
])('a pass reads %s', (_, mapsBytes, count) => {
  expect(lookedUp(mapsBytes)).toBe(count)
})
