/** Draws full-screen on a terminal (alternate screen, raw keys). The previous contents are restored at the end. */

import { emitKeypressEvents, type Key } from 'node:readline'
import type { CommandIo } from './io.ts'
import { print } from './print.ts'

const enterSequence = '\x1b[?1049h\x1b[?25l'
const leaveSequence = '\x1b[?25h\x1b[?1049l'

export interface Size {
  readonly rows: number
  readonly columns: number
}

export interface ScreenEvents {
  /** @param key the character, or the name of the key; with Ctrl as in `ctrl-c` */
  readonly onKey: (key: string) => void
  /** The size has changed, or the process has been resumed: draw again. */
  readonly onStale: () => void
}

export class Screen {
  readonly #io: CommandIo
  readonly #events: ScreenEvents
  #isOpen = false

  constructor(io: CommandIo, events: ScreenEvents) {
    this.#io = io
    this.#events = events
    // Restore the terminal however the process ends, and before an error is printed.
    io.events.on('exit', this.#leave)
    io.events.on('uncaughtExceptionMonitor', this.#leave)
    io.events.on('SIGCONT', this.#enter)
    io.stdout.on('resize', events.onStale)
    this.#listen()
    this.#enter()
  }

  /** The size of the terminal; 24 by 80 if it does not report one. */
  get size(): Size {
    const { rows, columns } = this.#io.stdout
    return { rows: rows || 24, columns: columns || 80 }
  }

  /**
   * Draws over the previous frame in one write, so that the screen does not flicker.
   * Preconditions: the lines fit the screen in number and in width.
   */
  draw(lines: readonly string[]): void {
    print(this.#io, `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`)
  }

  close(): void {
    const { stdin, stdout, events } = this.#io
    this.#leave()
    stdin.pause()
    events.removeListener('exit', this.#leave)
    events.removeListener('uncaughtExceptionMonitor', this.#leave)
    events.removeListener('SIGCONT', this.#enter)
    stdout.removeListener('resize', this.#events.onStale)
    stdin.removeListener('keypress', this.#onKeypress)
  }

  #listen(): void {
    const { stdin } = this.#io
    if (!stdin.isTTY) return
    emitKeypressEvents(stdin)
    stdin.on('keypress', this.#onKeypress)
    stdin.resume()
  }

  readonly #onKeypress = (character: string | undefined, { name, ctrl }: Key): void => {
    if (ctrl && name === 'z') this.#stop()
    else this.#events.onKey(ctrl ? `ctrl-${name}` : (character ?? name ?? ''))
  }

  readonly #enter = (): void => {
    this.#isOpen = true
    this.#io.stdin.setRawMode?.(true)
    print(this.#io, enterSequence)
    this.#events.onStale()
  }

  /** Writes synchronously, because the process may exit before a stream is flushed. */
  readonly #leave = (): void => {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#io.stdin.setRawMode?.(false)
    try {
      this.#io.writeNow(leaveSequence)
    } catch (error) {
      // The terminal has gone: nothing needs to be restored.
      if (!(error instanceof Error && 'code' in error && (error.code === 'EIO' || error.code === 'EPIPE'))) throw error
    }
  }

  /** Stops the process on Ctrl-Z. In raw mode the terminal does not do this. SIGCONT resumes it. */
  #stop(): void {
    this.#leave()
    this.#io.suspend()
  }
}
