/** Runs the command line on a pseudo-terminal, in a process of its own. */

import { type ChildProcess, spawn } from 'node:child_process'
import { Display, type DisplayEnd, type DisplayOptions, ofPerson } from './display.ts'
import { mainFile } from './live.ts'
import { registerStarted } from './started.ts'

const harness = new URL('terminal.py', import.meta.url).pathname

export class Pty extends Display {
  override readonly ended: Promise<DisplayEnd>
  readonly #child: ChildProcess

  constructor(args: readonly string[], { env = {}, rows = 24, columns = 100 }: DisplayOptions = {}) {
    super()
    const command = [process.execPath, mainFile, ...args]
    this.#child = spawn('python3', [harness, String(rows), String(columns), ...command], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...ofPerson, ...env },
    })
    registerStarted(this.#child)
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => this.add(text))
    let report = ''
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      report += chunk.toString()
    })
    this.ended = new Promise((resolve, reject) => {
      this.#child.once('close', () => {
        this.finish()
        if (report.startsWith('{')) resolve(JSON.parse(report) as DisplayEnd)
        else reject(new Error(`the terminal broke: ${report}`))
      })
    })
  }

  override type(keys: string): void {
    this.#order({ keys })
  }

  override resize(rows: number, columns: number): void {
    this.#order({ size: [rows, columns] })
  }

  override signal(number: number): void {
    this.#order({ signal: number })
  }

  /** Closes the terminal. The system sends SIGHUP to the command then. */
  close(): void {
    this.#order({ close: true })
  }

  /** Kills the command. */
  override kill(): void {
    this.#child.stdin!.end()
  }

  #order(order: object): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`)
  }
}
