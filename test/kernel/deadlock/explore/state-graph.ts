/** Stores the graph of all states of a system in typed arrays: there may be millions. Sets of threads are bit masks. */

interface StateMasks {
  /** Threads that are not blocked. */
  readonly free: number
  readonly detected: number
  /** Threads that wait behind a state that is not traced. The detector promises nothing about them. */
  readonly excused: number
}

class Numbers {
  #all = new Int32Array(1024)
  length = 0

  push(value: number): void {
    if (this.length === this.#all.length) {
      const more = new Int32Array(this.length * 2)
      more.set(this.#all)
      this.#all = more
    }
    this.#all[this.length++] = value
  }

  at(place: number): number {
    return this.#all[place]!
  }
}

const bits = (mask: number): number => {
  let count = 0
  for (let rest = mask; rest !== 0; rest &= rest - 1) count++
  return count
}

export class StateGraph {
  readonly #free = new Numbers()
  readonly #detected = new Numbers()
  readonly #excused = new Numbers()
  readonly #from = new Numbers()
  readonly #to = new Numbers()

  add({ free, detected, excused }: StateMasks): void {
    this.#free.push(free)
    this.#detected.push(detected)
    this.#excused.push(excused)
  }

  link(from: number, to: number): void {
    this.#from.push(from)
    this.#to.push(to)
  }

  get transitions(): number {
    return this.#from.length
  }

  /** Preconditions: every state and every transition has been added. */
  judge(threads: number): { stuck: number; detected: number; unsound: number; missed: number } {
    const ever = this.#everFree()
    const all = (1 << threads) - 1
    const sum = { stuck: 0, detected: 0, unsound: 0, missed: 0 }
    for (let state = 0; state < ever.length; state++) {
      const stuck = all & ~ever[state]!
      const detected = this.#detected.at(state)
      sum.stuck += bits(stuck)
      sum.detected += bits(stuck & detected)
      sum.unsound += bits(detected & ~stuck)
      sum.missed += bits(stuck & ~detected & ~this.#excused.at(state))
    }
    return sum
  }

  /** Computes for each state the threads that run there or in any state that can follow. */
  #everFree(): Int32Array {
    const count = this.#free.length
    const ever = Int32Array.from({ length: count }, (_, state) => this.#free.at(state))
    const begins = new Int32Array(count + 1)
    for (let edge = 0; edge < this.transitions; edge++) begins[this.#to.at(edge) + 1]!++
    for (let state = 0; state < count; state++) begins[state + 1]! += begins[state]!
    const places = begins.slice()
    const before = new Int32Array(this.transitions)
    for (let edge = 0; edge < this.transitions; edge++) before[places[this.#to.at(edge)]!++] = this.#from.at(edge)
    const queue = Array.from({ length: count }, (_, state) => state)
    for (let state = queue.pop(); state !== undefined; state = queue.pop())
      for (let place = begins[state]!; place < begins[state + 1]!; place++) {
        const from = before[place]!
        const more = ever[from]! | ever[state]!
        if (more === ever[from]) continue
        ever[from] = more
        queue.push(from)
      }
    return ever
  }
}
