/**
 * Asks the supervisor for time while the service starts: a slow machine may need longer than the unit allows, and would
 * end the service again and again. This file loads quickly, because it runs before everything else.
 */

import { bounds } from '../base/bounds.ts'
import type { Send } from './notify-socket.ts'

/** EXTEND_TIMEOUT_USEC of sd_notify(3), in µs: a start that hangs is ended after this time. */
const extension = 120_000_000

export class SupervisedStart {
  readonly #timer: NodeJS.Timeout

  constructor(send: Send) {
    // The same socket gets READY later. A failure to send is reported then.
    const extend = () => void send(`EXTEND_TIMEOUT_USEC=${extension}\nSTATUS=starts`)
    extend()
    this.#timer = setInterval(extend, bounds.extendStartEveryMs)
    this.#timer.unref()
  }

  end(): void {
    clearInterval(this.#timer)
  }
}

/**
 * Null without a supervisor, and for commands other than the service, which may have inherited its variables.
 * @param words of the command line
 */
export async function beginStart(
  { NOTIFY_SOCKET: name }: NodeJS.ProcessEnv,
  [first = 'serve']: readonly string[],
): Promise<SupervisedStart | null> {
  const serves = first === 'serve' || first.startsWith('-')
  // A name that is neither a path nor abstract is refused when the settings are read.
  if (!serves || name === undefined || !/^[/@]./.test(name)) return null
  const { notifySocket } = await import('./notify-socket.ts')
  return new SupervisedStart(notifySocket(name))
}
