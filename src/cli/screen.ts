/** A terminal that is drawn on as a whole, and is afterwards what it was before. */

import { writeSync } from 'node:fs'
import { emitKeypressEvents, type Key } from 'node:readline'
import { processIo } from './io.ts'
import { print } from './print.ts'

const enterSequence = '\x1b[?1049h\x1b[?25l'
const leaveSequence = '\x1b[?25h\x1b[?1049l'

export interface Size {
  readonly rows: number
  readonly columns: number
}

export interface ScreenEvents {
  /** Its name, or the character itself. */
  readonly onKey: (key: string) => void
  /** Another size, or back from being stopped: what was drawn no longer stands there. */
  readonly onStale: () => void
}

export class Screen {
  readonly #events: ScreenEvents
  #isOpen = false

  constructor(events: ScreenEvents) {
    this.#events = events
    // Whatever ends the process, and before anything is said of it.
    process.on('exit', this.#leave)
    process.on('uncaughtExceptionMonitor', this.#leave)
    process.on('SIGCONT', this.#enter)
    process.stdout.on('resize', events.onStale)
    this.#listen()
    this.#enter()
  }

  /** Some terminals do not say how large they are. */
  get size(): Size {
    const { rows, columns } = process.stdout
    return { rows: rows || 24, columns: columns || 80 }
  }

  /** Preconditions: as many lines as fit, none wider than the screen. In one write and over what stands there: it does not flicker. */
  draw(lines: readonly string[]): void {
    print(processIo, `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`)
  }

  close(): void {
    this.#leave()
    process.stdin.pause()
    process.removeListener('exit', this.#leave)
    process.removeListener('uncaughtExceptionMonitor', this.#leave)
    process.removeListener('SIGCONT', this.#enter)
    process.stdout.removeListener('resize', this.#events.onStale)
    process.stdin.removeListener('keypress', this.#onKeypress)
  }

  #listen(): void {
    if (!process.stdin.isTTY) return
    emitKeypressEvents(process.stdin)
    process.stdin.on('keypress', this.#onKeypress)
    process.stdin.resume()
  }

  readonly #onKeypress = (character: string | undefined, { name, ctrl }: Key): void => {
    if (ctrl && name === 'z') this.#stop()
    else this.#events.onKey(ctrl ? `ctrl-${name}` : (character ?? name ?? ''))
  }

  readonly #enter = (): void => {
    this.#isOpen = true
    if (process.stdin.isTTY) process.stdin.setRawMode(true)
    print(processIo, enterSequence)
    this.#events.onStale()
  }

  /** Written at once: the process may end before a stream would be. */
  readonly #leave = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    if (process.stdin.isTTY) process.stdin.setRawMode(false)
    try {
      writeSync(1, leaveSequence)
    } catch (error) {
      // The terminal is gone: there is nothing left to mend.
      if (!(error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EPIPE'))) throw error
    }
  }

  /** As the terminal itself would on Ctrl-Z, which it leaves to us; SIGCONT brings us back. */
  #stop(): void {
    this.#leave()
    process.kill(process.pid, 'SIGTSTP')
  }
}
