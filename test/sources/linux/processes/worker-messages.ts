/** Messages as they come, and promises for the one that shows a fact. */

import { within } from '../../../support/until.ts'

export class Heard<Message> {
  readonly messages: Message[] = []
  readonly #waiting = new Set<(message: Message) => void>()
  #failed: ((error: Error) => void) | null = null
  readonly failure = new Promise<never>((_, reject) => {
    this.#failed = reject
  })

  constructor() {
    this.failure.catch(() => {}) // whoever waits hears of it
  }

  readonly hear = (message: Message): void => {
    this.messages.push(message)
    for (const look of [...this.#waiting]) look(message)
  }

  readonly fail = (error: Error): void => this.#failed?.(error)

  /** What `pick` makes of the first message, past or to come, for which it is not undefined. */
  until<Picked>(pick: (message: Message) => Picked | undefined): Promise<Picked> {
    for (const message of this.messages) {
      const picked = pick(message)
      if (picked !== undefined) return Promise.resolve(picked)
    }
    return this.next(pick)
  }

  /** The same, of messages to come only. */
  next<Picked>(pick: (message: Message) => Picked | undefined): Promise<Picked> {
    const found = new Promise<Picked>((resolve) => {
      const look = (message: Message): void => {
        const picked = pick(message)
        if (picked === undefined) return
        this.#waiting.delete(look)
        resolve(picked)
      }
      this.#waiting.add(look)
    })
    const seen = () => this.messages.slice(-3)
    return within(Promise.race([found, this.failure]), seen, { what: String(pick) })
  }
}
