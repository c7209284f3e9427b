/** Walks through the steps of a thread: expands repetitions and random choices, and returns one call at a time. */

import type { Errno } from '../kernel/errno.ts'
import type { Random } from './random.ts'
import type { CallStep, RepeatStep, Step } from './steps.ts'

interface Frame {
  readonly steps: readonly Step[]
  /** The next step. */
  at: number
  /** Number of passes that remain, including the current one. */
  left: number
  readonly repeat: RepeatStep | null
}

export class StepCursor {
  readonly #frames: Frame[]
  readonly #random: Random
  /** Called when a repetition with `until` ends, and no call in it has failed with that errno. */
  readonly #onRanOut: (repeat: RepeatStep) => void

  constructor(steps: readonly Step[], random: Random, onRanOut: (repeat: RepeatStep) => void) {
    this.#frames = [{ steps, at: 0, left: 1, repeat: null }]
    this.#random = random
    this.#onRanOut = onRanOut
  }

  /** @returns null when no step remains */
  next(): CallStep | null {
    for (;;) {
      const frame = this.#frames.at(-1)
      if (frame === undefined) return null
      const step = frame.steps[frame.at++]
      if (step === undefined) this.#goRound(frame)
      else if (step.kind === 'call') return step
      else if (step.kind === 'repeat')
        this.#frames.push({ steps: step.steps, at: 0, left: this.#timesOf(step), repeat: step })
      else {
        const steps = step.choices[this.#random.between(0, step.choices.length - 1)]!
        this.#frames.push({ steps, at: 0, left: 1, repeat: null })
      }
    }
  }

  /** Ends the innermost repetition whose `until` is this errno. @returns null if there is none */
  breakOut(errno: Errno): RepeatStep | null {
    const depth = this.#frames.findLastIndex(({ repeat }) => repeat?.until === errno)
    if (depth === -1) return null
    const repeat = this.#frames[depth]!.repeat
    this.#frames.length = depth
    return repeat
  }

  #goRound(frame: Frame): void {
    frame.left--
    frame.at = 0
    if (frame.left > 0) return
    this.#frames.pop()
    if (frame.repeat?.until) this.#onRanOut(frame.repeat)
  }

  #timesOf({ times }: RepeatStep): number {
    if (times === 'forever') return Number.POSITIVE_INFINITY
    return typeof times === 'number' ? times : this.#random.between(times.low, times.high)
  }
}
