/**
 * Parses `text/event-stream` incrementally. It ignores the fields that the service does not send (`event:`, `retry:`).
 */

export interface SseMessage {
  readonly id: string | null
  readonly data: string
}

/** Bounds the memory for one line. No event of the service is that long. */
const lineCharactersMax = 16 * 1024 * 1024

export class SseParser {
  /** Text of the last comment. At the end of a stream it is the reason why the service closed it. */
  comment = ''
  #rest = ''
  #endedInReturn = false
  #id: string | null = null
  #data: string[] = []

  /** Returns the messages that this piece completes. @throws Error if a line is too long */
  feed(piece: string): SseMessage[] {
    // A line ends with CR, LF or CR LF. The CR and the LF may arrive in different pieces.
    const text = this.#endedInReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') this.#endedInReturn = piece.endsWith('\r')
    const lines = (this.#rest + text).split(/\r\n|\r|\n/)
    this.#rest = lines.pop()!
    if (this.#rest.length > lineCharactersMax) throw new Error('a line of the event stream is too long')
    return lines.flatMap((line) => this.#line(line) ?? [])
  }

  #line(line: string): SseMessage | null {
    if (line === '') return this.#dispatch()
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    // An empty comment only shows proxies that the stream is alive.
    if (name === '') this.comment = value === '' ? this.comment : value
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
