/** Shows what a command wrote to a terminal as a person would see it. */

import { stripVTControlCharacters } from 'node:util'
import { Waiter } from './until.ts'

/** Variables of a person at a terminal. Settings of vitest and of CI about colours must not affect it. */
export const ofPerson = { TERM: 'xterm-256color', FORCE_COLOR: undefined, NO_COLOR: undefined, CI: undefined }

export interface DisplayOptions {
  readonly env?: Record<string, string>
  readonly rows?: number
  readonly columns?: number
}

export interface DisplayEnd {
  /** Negative if a signal ended the command. */
  readonly code: number
  /** Whether the terminal's settings are as they were before. */
  readonly restored: boolean
}

export abstract class Display {
  abstract readonly ended: Promise<DisplayEnd>
  /** Everything that was written to the terminal. */
  output = ''
  #isOver = false
  readonly #changed = new Waiter()

  abstract type(keys: string): void
  abstract resize(rows: number, columns: number): void
  abstract signal(number: number): void
  /** Ends the command, also in the middle of a test. */
  abstract kill(): void

  protected add(text: string): void {
    this.output += text
    this.#changed.wake()
  }

  /** To be called when the command has ended. */
  protected finish(): void {
    this.#isOver = true
    this.#changed.wake()
  }

  protected get isOver(): boolean {
    return this.#isOver
  }

  /** The last complete drawing of the screen, with its control sequences. */
  get drawing(): string {
    return /.*\u001b\[H(.*?)\u001b\[J/s.exec(this.output)?.[1] ?? ''
  }

  /** Lines of the last drawing, without control sequences. */
  get frame(): readonly string[] {
    return this.drawing.split('\r\n').map((line) => stripVTControlCharacters(line))
  }

  async until(fits: (display: this) => boolean): Promise<void> {
    const holds = () => {
      if (fits(this)) return true
      if (this.#isOver) throw new Error(`the command ended first: ${JSON.stringify(this.output)}`)
      return false
    }
    await this.#changed.until(holds, () => this.frame.join('\n'), { what: String(fits) })
  }
}
