/** Defines the signals of the model: numbers as in QNX Neutrino, and the default action of each. */

import { assert } from '../kernel/errno.ts'

export type DefaultAction = 'terminate' | 'ignore' | 'stop' | 'continue'

interface SignalRow {
  readonly number: number
  readonly name: string
  readonly action: DefaultAction
  /** The kernel raises it on a fault of a thread. It has no sender then. */
  readonly fault: boolean
  /** It cannot be masked, ignored or handled. */
  readonly sure: boolean
  /** Several of the same signal can be queued. Of other signals only one is. */
  readonly queues: boolean
}

function row(number: number, name: string, action: DefaultAction, flags = ''): SignalRow {
  return {
    number,
    name,
    action,
    fault: flags.includes('f'),
    sure: flags.includes('s'),
    queues: flags.includes('q'),
  }
}

const realTime = Array.from({ length: 16 }, (_, place) =>
  row(41 + place, place === 0 ? 'SIGRTMIN' : `SIGRTMIN+${place}`, 'terminate', 'q'),
)

// Flags: f raised on a fault, s sure to arrive, q queues.
export const signalRows: readonly SignalRow[] = [
  row(1, 'SIGHUP', 'terminate'),
  row(2, 'SIGINT', 'terminate'),
  row(3, 'SIGQUIT', 'terminate'),
  row(4, 'SIGILL', 'terminate', 'f'),
  row(5, 'SIGTRAP', 'terminate', 'f'),
  row(6, 'SIGABRT', 'terminate'),
  row(7, 'SIGEMT', 'terminate'),
  row(8, 'SIGFPE', 'terminate', 'f'),
  row(9, 'SIGKILL', 'terminate', 's'),
  row(10, 'SIGBUS', 'terminate', 'f'),
  row(11, 'SIGSEGV', 'terminate', 'f'),
  row(12, 'SIGSYS', 'terminate', 'f'),
  row(13, 'SIGPIPE', 'terminate'),
  row(14, 'SIGALRM', 'terminate'),
  row(15, 'SIGTERM', 'terminate'),
  row(16, 'SIGUSR1', 'terminate'),
  row(17, 'SIGUSR2', 'terminate'),
  row(18, 'SIGCHLD', 'ignore'),
  row(19, 'SIGPWR', 'ignore'),
  row(20, 'SIGWINCH', 'ignore'),
  row(21, 'SIGURG', 'ignore'),
  row(22, 'SIGPOLL', 'ignore'),
  row(23, 'SIGSTOP', 'stop', 's'),
  row(24, 'SIGTSTP', 'stop'),
  row(25, 'SIGCONT', 'continue'),
  row(26, 'SIGTTIN', 'stop'),
  row(27, 'SIGTTOU', 'stop'),
  row(28, 'SIGVTALRM', 'terminate'),
  row(29, 'SIGPROF', 'terminate'),
  row(30, 'SIGXCPU', 'terminate', 'f'),
  row(31, 'SIGXFSZ', 'terminate', 'f'),
  ...realTime,
]

const byName = new Map(signalRows.map((signal) => [signal.name, signal]))

export type Signal = SignalRow

/** Finds a signal by name; null when there is none. */
export function signalOf(name: string): Signal | null {
  return byName.get(name) ?? null
}

/** Says why a limit of the receiver cannot refuse the signal; null when it can. */
export function alwaysArrives({ sure, action, fault }: Signal): string | null {
  if (sure) return 'it always gets through: a hog must not be able to block what ends or stops it'
  if (action === 'continue')
    return 'it always gets through: the process goes on at once; only a handler, where it would have to wait without room, does not run'
  if (fault)
    return 'raised by the kernel on a fault it has no sender to refuse; sent by a process it is refused like others'
  return null
}

/** SIGCHLD, which a parent gets when a child ends. */
export const childSignal = known('SIGCHLD')

function known(name: string): Signal {
  const signal = signalOf(name)
  assert(signal !== null, `there is a signal ${name}`)
  return signal
}

export type SignalSet = ReadonlySet<Signal>

export const noSignals: SignalSet = new Set()

/** A process's reaction to a signal. */
export type Disposition = 'default' | 'ignore' | 'handle'

/** A signal which was sent and is not delivered yet. */
export interface PendingSignal {
  readonly signal: Signal
  readonly code: number
  readonly value: number
  /** pid of the sender; null for the kernel. */
  readonly from: number | null
}

/** Index at which a signal belongs in a queue: lower numbers come first, equal ones in the order of arrival. */
export function placeOfSignal(list: readonly PendingSignal[], { signal }: PendingSignal): number {
  const found = list.findIndex((other) => other.signal.number > signal.number)
  return found === -1 ? list.length : found
}
