/** Runs the command line on a pseudo-terminal and shows the screen as a person would see it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { mainFile } from './live.ts'
import { registerStarted } from './started.ts'
import { Waiter } from './until.ts'

const harness = new URL('terminal.py', import.meta.url).pathname

const ofPerson = { TERM: 'xterm-256color', FORCE_COLOR: undefined, NO_COLOR: undefined, CI: undefined }

interface Ended {
  /** Negative if a signal ended the command. */
  readonly code: number
  /** Whether the terminal's settings are as they were before. */
  readonly restored: boolean
}

interface Started {
  readonly env?: Record<string, string>
  readonly rows?: number
  readonly columns?: number
}

export class Pty {
  readonly ended: Promise<Ended>
  /** Everything that was written to the terminal. */
  output = ''
  readonly #child: ChildProcess
  #isOver = false
  readonly #changed = new Waiter()

  constructor(args: readonly string[], { env = {}, rows = 24, columns = 100 }: Started = {}) {
    const command = [process.execPath, mainFile, ...args]
    this.#child = spawn('python3', [harness, String(rows), String(columns), ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // Settings of vitest and of CI about colours must not affect this terminal.
      env: { ...process.env, ...ofPerson, ...env },
    })
    registerStarted(this.#child)
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
      this.#changed.wake()
    })
    let report = ''
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      report += chunk.toString()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('close', () => {
        this.#isOver = true
        this.#changed.wake()
        if (report.startsWith('{')) resolve(JSON.parse(report) as Ended)
        else reject(new Error(`the terminal broke: ${report}`))
      })
    })
  }

  type(keys: string): void {
    this.#order({ keys })
  }

  resize(rows: number, columns: number): void {
    this.#order({ size: [rows, columns] })
  }

  signal(number: number): void {
    this.#order({ signal: number })
  }

  /** Closes the terminal. The system sends SIGHUP to the command then. */
  close(): void {
    this.#order({ close: true })
  }

  /** Kills the command. */
  kill(): void {
    this.#child.stdin!.end()
  }

  #order(order: object): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
  }

  /** The last complete drawing of the screen, with its control sequences. */
  get drawing(): string {
    return /.*\u001b\[H(.*?)\u001b\[J/s.exec(this.output)?.[1] ?? ''
  }

  /** Lines of the last drawing, without control sequences. */
  get frame(): readonly string[] {
    return this.drawing.split('\r\n').map((line) => stripVTControlCharacters(line))
  }

  async until(fits: (pty: this) => boolean): Promise<void> {
    const holds = () => {
      if (fits(this)) return true
      if (this.#isOver) throw new Error(`the command ended first: ${JSON.stringify(this.output)}`)
      return false
    }
    await this.#changed.until(holds, () => this.frame.join('\n'), { what: String(fits) })
  }
}
