/**
 * Runs a command of the command line in the test's own process, on a terminal that exists in memory only. It has the
 * interface of Pty, which starts a process and takes longer.
 */

import { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import { PassThrough, Writable } from 'node:stream'
import { type CommandIo, endOnSignals } from '../../src/cli/io.ts'
import { exitCodeOf, variablesWith } from './command-line.ts'
import { Display, type DisplayEnd, type DisplayOptions, ofPerson } from './display.ts'

/** Keys of a terminal. */
class Keyboard extends PassThrough {
  readonly isTTY = true
  isRaw = false

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw
  }
}

class Glass extends Writable {
  readonly isTTY = true
  rows: number
  columns: number

  constructor(rows: number, columns: number, add: (text: string) => void) {
    super({
      decodeStrings: false,
      write(chunk: string | Buffer, _encoding, done) {
        add(chunk.toString())
        done()
      },
    })
    this.rows = rows
    this.columns = columns
  }
}

export class Terminal extends Display {
  override readonly ended: Promise<DisplayEnd>
  readonly #keyboard = new Keyboard()
  readonly #glass: Glass
  /** The signals and the end of the command, in place of those of the process. */
  readonly #events = new EventEmitter()
  /** Whether the command has stopped itself, as on Ctrl-Z. */
  isSuspended = false

  constructor(words: readonly string[], { env = {}, rows = 24, columns = 100 }: DisplayOptions = {}) {
    super()
    this.#glass = new Glass(rows, columns, (text) => this.#write(text))
    this.ended = this.#run(words, variablesWith({ ...ofPerson, ...env }))
  }

  async #run(words: readonly string[], env: NodeJS.ProcessEnv): Promise<DisplayEnd> {
    const io: Omit<CommandIo, 'setExitCode'> = {
      stdin: this.#keyboard,
      stdout: this.#glass,
      stderr: this.#glass,
      env,
      events: this.#events,
      endOnSignals: () => endOnSignals(this.#events),
      writeNow: (text) => this.#write(text),
      suspend: () => {
        this.isSuspended = true
      },
      setTitle: () => {},
    }
    try {
      const code = await exitCodeOf(words, io)
      // A process whose input still flows would not end.
      const restored = !this.#keyboard.isRaw && this.#keyboard.readableFlowing !== true
      return { code, restored }
    } finally {
      this.#events.emit('exit')
      this.finish()
    }
  }

  /** A terminal begins each line at the left, also in raw mode. */
  #write(text: string): void {
    this.add(text.replaceAll('\n', '\r\n'))
  }

  /** @throws Error where a real terminal would collect the keys until Enter */
  override type(keys: string): void {
    if (!this.#keyboard.isRaw) throw new Error('the terminal is not in raw mode')
    this.#keyboard.write(keys)
  }

  override resize(rows: number, columns: number): void {
    this.#glass.rows = rows
    this.#glass.columns = columns
    this.#glass.emit('resize')
  }

  /** @throws Error where the signal would kill the process */
  override signal(number: number): void {
    const [name] = Object.entries(constants.signals).find(([, each]) => each === number)!
    if (name === 'SIGCONT') this.isSuspended = false
    if (!this.#events.emit(name, name, number)) throw new Error(`${name} has no listener`)
  }

  override kill(): void {
    if (!this.isOver) this.#events.emit('SIGTERM')
  }
}
