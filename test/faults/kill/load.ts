/** The load on a service before it is killed: programs start and end, thresholds are set, trip and are deleted. */

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '../../../src/scenario/random.ts'
import type { Ledger } from './ledger.ts'

const names = 40
/** Descriptors that this process opens and closes in turn, so that its thresholds trip and clear. */
const swing = 60

export class Load {
  readonly #random: Random
  readonly #ledger: Ledger
  readonly #prefix = `/sys/proc/${process.pid}/fds/threshold`
  #running: Promise<unknown>[] = []
  #url: string | null = null

  constructor(random: Random, ledger: Ledger) {
    this.#random = random
    this.#ledger = ledger
  }

  begin(url: string): void {
    this.#url = url
    const isRunning = () => this.#url === url
    this.#running = [
      this.#set(url, isRunning),
      this.#set(url, isRunning),
      this.#swing(isRunning),
      this.#runPrograms(isRunning),
    ]
  }

  /** Stops the load, and waits for pending requests. They fail when the service is killed. */
  async end(): Promise<void> {
    this.#url = null
    await Promise.all(this.#running)
  }

  async #set(url: string, isRunning: () => boolean): Promise<void> {
    while (isRunning()) {
      const path = `${this.#prefix}/t${this.#random.between(1, names)}`
      const at = this.#random.between(0, 3) === 0 ? null : this.#random.between(20, 20 + 2 * swing)
      const init =
        at === null
          ? { method: 'DELETE' }
          : { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ at }) }
      // With two requests for one threshold at once, their order would be unknown.
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
        this.#ledger.addUnconfirmed(path, at)
      } finally {
        this.#busy.delete(path)
      }
    }
  }

  readonly #busy = new Set<string>()

  async #swing(isRunning: () => boolean): Promise<void> {
    while (isRunning()) {
      const files = Array.from({ length: swing }, () => openSync('/dev/null', 'r'))
      await delay(60)
      for (const file of files) closeSync(file)
      await delay(60)
    }
  }

  async #runPrograms(isRunning: () => boolean): Promise<void> {
    while (isRunning()) {
      const child = spawn('sh', ['-c', 'true & true & wait'])
      await new Promise((resolve) => child.once('close', resolve))
    }
  }
}
