/** What happens to a service before it is killed: programs begin and end, thresholds are set, trip and are taken away. */

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../../src/scenario/random.ts'
import type { Ledger } from './ledger.ts'

const names = 40
/** More descriptors than this has by itself, so that thresholds between trip and clear as it opens and closes them. */
const swing = 60

export class Load {
  readonly #random: Random
  readonly #ledger: Ledger
  readonly #place = `/sys/proc/${process.pid}/fds/threshold`
  #running: Promise<unknown>[] = []
  #url: string | null = null

  constructor(random: Random, ledger: Ledger) {
    this.#random = random
    this.#ledger = ledger
  }

  begin(url: string): void {
    this.#url = url
    const goesOn = () => this.#url === url
    this.#running = [this.#set(url, goesOn), this.#set(url, goesOn), this.#swing(goesOn), this.#runPrograms(goesOn)]
  }

  /** What is under way is waited for: it fails with the service. */
  async end(): Promise<void> {
    this.#url = null
    await Promise.all(this.#running)
  }

  async #set(url: string, goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const path = `${this.#place}/t${this.#random.between(1, names)}`
      const at = this.#random.between(0, 3) === 0 ? null : this.#random.between(20, 20 + 2 * swing)
      const init =
        at === null
          ? { method: 'DELETE' }
          : { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ at }) }
      // Two at once on one threshold would leave open which came last.
      if (this.#busy.has(path)) {
        await delay(1)
        continue
      }
      this.#busy.add(path)
      try {
        const response = await fetch(`${url}${path}`, init)
        await response.arrayBuffer()
        if (response.ok || (at === null && response.status === 404)) this.#ledger.acknowledge(path, at)
        else throw new Error(`${init.method} ${path} was answered ${response.status}`)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        this.#ledger.doubt(path, at)
      } finally {
        this.#busy.delete(path)
      }
    }
  }

  readonly #busy = new Set<string>()

  async #swing(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const files = Array.from({ length: swing }, () => openSync('/dev/null', 'r'))
      await delay(60)
      for (const file of files) closeSync(file)
      await delay(60)
    }
  }

  async #runPrograms(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const child = spawn('sh', ['-c', 'true & true & wait'])
      await new Promise((resolve) => child.once('close', resolve))
    }
  }
}
