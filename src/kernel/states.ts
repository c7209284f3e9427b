/**
 * Defines the thread states of QNX Neutrino 6, by its numbers, each with the four criteria by which the canonical list
 * of deadlock states is derived. A state belongs on that list when it is not transient, may not legally last for ever,
 * blocks on an object that has an owner (so that a loop can be traced), and is not a network state.
 */

interface StateRow {
  readonly number: number
  readonly name: string
  readonly summary: string
  readonly transient: boolean
  readonly legalForever: boolean
  readonly owned: boolean
  readonly network: boolean
}

function row<const Name extends string>(number: number, name: Name, summary: string, flags: string) {
  return {
    number,
    name,
    summary,
    transient: flags.includes('t'),
    legalForever: flags.includes('f'),
    owned: flags.includes('o'),
    network: flags.includes('n'),
  } satisfies StateRow
}

// t transient, f legal for ever, o has an owner, n network
export const threadStateRows = [
  row(0, 'DEAD', 'ended, not yet collected', 'f'),
  row(1, 'RUNNING', 'on a CPU', 't'),
  row(2, 'READY', 'wants a CPU', 't'),
  row(3, 'STOPPED', 'stopped by a signal or a debugger', 'f'),
  row(4, 'SEND', 'sent a message that is not yet received', 'o'),
  row(5, 'RECEIVE', 'waits for a message', 'f'),
  row(6, 'REPLY', 'its message was received and not yet replied to', 'fo'),
  row(7, 'STACK', 'waits for its stack to be allocated', 't'),
  row(8, 'WAITTHREAD', 'waits for a thread to be created', 't'),
  row(9, 'WAITPAGE', 'waits for physical memory', 't'),
  row(10, 'SIGSUSPEND', 'waits for a signal', 'f'),
  row(11, 'SIGWAITINFO', 'waits for a queued signal', 'f'),
  row(12, 'NANOSLEEP', 'sleeps', 'f'),
  row(13, 'MUTEX', 'waits for a mutex', 'o'),
  row(14, 'CONDVAR', 'waits for a condition variable', 'f'),
  row(15, 'JOIN', 'waits for a thread to end', 'o'),
  row(16, 'INTR', 'waits for an interrupt', 'f'),
  row(17, 'SEM', 'waits for a semaphore', 'f'),
  row(18, 'WAITCTX', 'waits for a floating-point context', 't'),
  row(19, 'NET_SEND', 'sends over the network', 'on'),
  row(20, 'NET_REPLY', 'waits for a reply over the network', 'fon'),
] as const

export type ThreadState = (typeof threadStateRows)[number]['name']

export const threadStates = threadStateRows.map(({ name }) => name) as readonly ThreadState[]

/** The states that a timeout may end, for TimerTimeout and for default deadlock timers. */
export const timeoutStates = [
  'SEND',
  'RECEIVE',
  'REPLY',
  'SIGSUSPEND',
  'SIGWAITINFO',
  'NANOSLEEP',
  'MUTEX',
  'CONDVAR',
  'JOIN',
  'INTR',
  'SEM',
] as const satisfies readonly ThreadState[]
export type TimeoutState = (typeof timeoutStates)[number]

/** The states that pass all four criteria. A default deadlock timer is useful for these. */
export const canonicalStates: readonly ThreadState[] = threadStateRows
  .filter((state) => !state.transient && !state.legalForever && state.owned && !state.network)
  .map(({ name }) => name)

const ends = ['READY', 'STOPPED', 'DEAD'] as const
const blocked = threadStates.filter((state) => !['DEAD', 'RUNNING', 'READY', 'STOPPED'].includes(state))

/** The states that may follow each state. A sender goes from RUNNING to REPLY at once if its receiver is waiting. */
export const nextStates = {
  DEAD: [],
  RUNNING: [...ends, ...blocked],
  READY: ['RUNNING', 'STOPPED', 'DEAD'],
  STOPPED: ['READY', 'DEAD'],
  SEND: ['REPLY', ...ends],
  RECEIVE: ends,
  REPLY: ends,
  STACK: ends,
  WAITTHREAD: ends,
  WAITPAGE: ends,
  SIGSUSPEND: ends,
  SIGWAITINFO: ends,
  NANOSLEEP: ends,
  MUTEX: ends,
  // A waiter locks its mutex again before it returns.
  CONDVAR: ['MUTEX', ...ends],
  JOIN: ends,
  INTR: ends,
  SEM: ends,
  WAITCTX: ends,
  NET_SEND: ['NET_REPLY', ...ends],
  NET_REPLY: ends,
} as const satisfies Record<ThreadState, readonly ThreadState[]>

export function mayFollow(from: ThreadState, to: ThreadState): boolean {
  return (nextStates[from] as readonly ThreadState[]).includes(to)
}
