/** `text/event-stream`, as it comes in pieces. What the service does not send (`event:`, `retry:`) is passed over. */

export interface SseMessage {
  readonly id: string | null
  readonly data: string
}

/** A line longer than this is no event of ours: memory is not filled with it. */
const lineCharactersMax = 16 * 1024 * 1024

export class SseParser {
  /** What the service said last that is no event: why it ends, at the end. */
  comment = ''
  #rest = ''
  #endedInReturn = false
  #id: string | null = null
  #data: string[] = []

  /** The messages that this piece completes. @throws Error where a line does not end */
  feed(piece: string): SseMessage[] {
    // A line may end in CR, LF or both, and both may come in two pieces.
    const text = this.#endedInReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') this.#endedInReturn = piece.endsWith('\r')
    const lines = (this.#rest + text).split(/\r\n|\r|\n/)
    this.#rest = lines.pop()!
    if (this.#rest.length > lineCharactersMax) throw new Error('a line of the stream does not end')
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): SseMessage | null {
    if (line === '') return this.#dispatch()
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    if (name === '') this.comment = value
    else if (name === 'data') this.#data.push(value)
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    return null
  }

  #dispatch(): SseMessage | null {
    if (this.#data.length === 0) return null
    const message = { id: this.#id, data: this.#data.join('\n') }
    this.#data = []
    return message
  }
}
