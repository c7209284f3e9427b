/** Counts how often partitions were removed and made again, as a service manager does at each restart of a service. */

import type { Kernel } from '../../../kernel/kernel.ts'
import * as measured from '../../../kernel/observed-usage.ts'
import type { PartitionReading } from '../container-readings.ts'

interface Record {
  inode: number
  restarts: number
}

/** Beyond so many names, those that have been gone for longest are forgotten, with their counts. */
const namesMax = 20_000

export class Restarts {
  readonly #kernel: Kernel
  readonly #max: number
  /** By the names of the partition. The one seen longest ago is first. */
  readonly #records = new Map<string, Record>()
  #total = 0

  constructor(kernel: Kernel, max = namesMax) {
    this.#kernel = kernel
    this.#max = max
  }

  /** Preconditions: inside an update; the readings are those of a full scan, after the partitions were recorded. */
  record(readings: readonly Pick<PartitionReading, 'names' | 'inode'>[], at: number): void {
    for (const { names, inode } of readings) {
      const partition = names.length === 0 ? null : this.#kernel.partition(names)
      if (partition === null || inode === 0) continue
      const { restarts } = this.#note(names.join('/'), inode)
      measured.observe(this.#kernel, partition, 'restarts', { value: restarts, at })
    }
    measured.observe(this.#kernel, this.#kernel.system, 'restarts', { value: this.#total, at })
  }

  #note(key: string, inode: number): Record {
    const record = this.#records.get(key) ?? { inode, restarts: 0 }
    if (record.inode !== inode) {
      record.inode = inode
      record.restarts++
      this.#total++
    }
    this.#records.delete(key)
    this.#records.set(key, record)
    const [oldest] = this.#records.keys()
    if (this.#records.size > this.#max) this.#records.delete(oldest!)
    return record
  }
}
