/** Holds a list of callback functions. Adding one returns the function that removes it. */

/** Ends the listening. A second call has no effect. */
export type Dispose = () => void

type Listener<Value> = (value: Value) => void

export class Listeners<Value = void> {
  /** Replaced, never changed: a listener may add or remove listeners while it is called. */
  #all: readonly Listener<Value>[] = []

  /** Listeners are called in the order in which they were added. */
  add(listener: Listener<Value>): Dispose {
    // An entry of its own, so that a function that was added twice is removed once.
    const entry: Listener<Value> = (value) => listener(value)
    this.#all = [...this.#all, entry]
    return () => {
      this.#all = this.#all.filter((each) => each !== entry)
    }
  }

  notify(value: Value): void {
    for (const listener of this.#all) listener(value)
  }
}
