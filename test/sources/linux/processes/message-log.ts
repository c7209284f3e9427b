/** Collects the messages of a worker, and resolves promises for messages that show a fact. */

import { within } from '../../../support/until.ts'

export class MessageLog<Message> {
  readonly messages: Message[] = []
  readonly #waiting = new Set<(message: Message) => void>()
  #failed: ((error: Error) => void) | null = null
  readonly failure = new Promise<never>((_, reject) => {
    this.#failed = reject
  })

  constructor() {
    this.failure.catch(() => {}) // `next` reports it
  }

  readonly add = (message: Message): void => {
    this.messages.push(message)
    for (const check of [...this.#waiting]) check(message)
  }

  readonly fail = (error: Error): void => this.#failed?.(error)

  /** Result of `pick` for the first message, past or future, for which it is not undefined. */
  until<Picked>(pick: (message: Message) => Picked | undefined): Promise<Picked> {
    for (const message of this.messages) {
      const picked = pick(message)
      if (picked !== undefined) return Promise.resolve(picked)
    }
    return this.next(pick)
  }

  /** Like `until`, for future messages only. */
  next<Picked>(pick: (message: Message) => Picked | undefined): Promise<Picked> {
    const found = new Promise<Picked>((resolve) => {
      const check = (message: Message): void => {
        const picked = pick(message)
        if (picked === undefined) return
        this.#waiting.delete(check)
        resolve(picked)
      }
      this.#waiting.add(check)
    })
    const seen = () => this.messages.slice(-3)
    return within(Promise.race([found, this.failure]), seen, { what: String(pick) })
  }
}
