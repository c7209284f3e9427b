/** Signals by QNX Neutrino's numbers, each with what it does where nobody has said otherwise. */

export type DefaultAction = 'terminate' | 'ignore' | 'stop' | 'continue'

interface SignalRow {
  readonly number: number
  readonly name: string
  readonly action: DefaultAction
  /** The kernel raises it on a fault of the thread that gets it: it has no sender. */
  readonly fault: boolean
  /** It cannot be masked, ignored or handled. */
  readonly sure: boolean
  /** Several of them wait one behind the other; of any other one waits. */
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

// f raised on a fault, s sure to arrive, q queues
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

/** Null where there is no signal of that name. */
export function signalOf(name: string): Signal | null {
  return byName.get(name) ?? null
}

/** Why a limit of the receiver does not refuse it to a sender; null where it does. */
export function alwaysArrives({ sure, action, fault }: Signal): string | null {
  if (sure) return 'it always gets through: a hog must not be able to block what ends or stops it'
  if (action === 'continue')
    return 'it always gets through: the process goes on at once; only a handler, where it would have to wait without room, does not run'
  if (fault)
    return 'raised by the kernel on a fault it has no sender to refuse; sent by a process it is refused like others'
  return null
}

export type SignalSet = ReadonlySet<Signal>

export const noSignals: SignalSet = new Set()

/** What a process does with a signal. */
export type Disposition = 'default' | 'ignore' | 'handle'

/** One signal that waits to be delivered. */
export interface PendingSignal {
  readonly signal: Signal
  readonly code: number
  readonly value: number
  /** pid of the sender; null for the kernel. */
  readonly from: number | null
}

/** Lower numbers go first, equal ones in the order in which they came. Where it belongs in a list that is in this order. */
export function placeOfSignal(list: readonly PendingSignal[], { signal }: PendingSignal): number {
  const found = list.findIndex((other) => other.signal.number > signal.number)
  return found === -1 ? list.length : found
}
