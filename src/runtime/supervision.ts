/** Reads what systemd or a similar supervisor expects from the service: sd_notify(3), sd_watchdog_enabled(3). */

import { ConfigError } from '../config/error.ts'

export interface Supervision {
  /** A path, or `@name` for a name in the abstract namespace. */
  readonly socket: string
  /** The supervisor ends a service that is silent for so long; null when it has no watchdog. */
  readonly watchdogMs: number | null
}

const addressBytesMax = 107

/** Null when there is no supervisor. @throws ConfigError */
export function readSupervision(environment: NodeJS.ProcessEnv, pid: number): Supervision | null {
  const { NOTIFY_SOCKET: socket } = environment
  if (socket === undefined || socket === '') return null
  if (!/^[/@]./.test(socket) || Buffer.byteLength(socket) > addressBytesMax) {
    throw new ConfigError(
      `NOTIFY_SOCKET: ${socket} is neither an absolute path nor @name, of ${addressBytesMax} bytes at most`,
    )
  }
  return { socket, watchdogMs: watchdogMs(environment, pid) }
}

function watchdogMs({ WATCHDOG_USEC: period, WATCHDOG_PID: watched }: NodeJS.ProcessEnv, pid: number): number | null {
  if (period === undefined || period === '') return null
  // The variable was meant for a parent process.
  if (watched !== undefined && watched !== String(pid)) return null
  if (!/^[1-9]\d*$/.test(period)) throw new ConfigError(`WATCHDOG_USEC: ${period} is not a number of microseconds`)
  return Number(period) / 1000
}
