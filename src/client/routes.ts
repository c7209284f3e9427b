/** Made by `npm run client-types` from the rows of the tree: what is asked and answered on each path. Not written by hand. */

/** The data of each type of event. */
export interface EventData {
  'process.created': ProcessCreatedData
  'process.died': ProcessDiedData
  'process.changed': ProcessChangedData
  'thread.created': ThreadCreatedData
  'thread.died': ThreadDiedData
  'thread.changed': ThreadChangedData
  'partition.created': PartitionCreatedData
  'partition.died': PartitionDiedData
  'threshold.tripped': ThresholdTrippedData
  'threshold.acted': ThresholdActedData
  'threshold.cleared': ThresholdClearedData
  'limit.changed': LimitChangedData
  'limit.denied': LimitDeniedData
  'deadlock.warning': DeadlockWarningData
  'deadlock.eased': DeadlockEasedData
  'deadlock.detected': DeadlockDetectedData
  'deadlock.orphaned': DeadlockOrphanedData
  'deadlock.suspected': DeadlockSuspectedData
  'deadlock.resolved': DeadlockResolvedData
  'state.replaced': StateReplacedData
  'source.degraded': SourceDegradedData
  'source.recovered': SourceRecoveredData
  'events.lost': EventsLostData
}

export type LimitName =
  | 'channels'
  | 'server-ids'
  | 'connections'
  | 'stack'
  | 'stack-size'
  | 'data-pages'
  | 'memory'
  | 'memory-free'
  | 'address-space'
  | 'threads'
  | 'processes'
  | 'children'
  | 'fds'
  | 'timers'
  | 'signals'
  | 'cpu-time'
  | 'cpu'
  | 'mutexes'
  | 'memlock'
  | 'file-size'

/** A directory or list; `next` is the cursor of the next page, null at the end. */
export interface List<Entry> {
  path: string
  entries: Entry[]
  next: string | null
}

/** Each path, as in the OpenAPI document. */
export interface Routes {
  '/sys': {
    get: { query: { depth?: number }; reply: System }
    put: { body: Pools; query: Record<string, never>; reply: System }
  }
  '/sys/part/{part}': {
    get: { query: { depth?: number }; reply: Partition }
    put: { body: Pools; query: Record<string, never>; reply: Partition }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/proc/{pid}': {
    get: { query: { depth?: number }; reply: Process }
  }
  '/sys/proc/{pid}/thread/{tid}': {
    get: { query: { depth?: number }; reply: Thread }
  }
  '/sys/proc': {
    get: { query: { depth?: number; limit?: number; cursor?: string }; reply: List<Process> }
    post: { body: ProcessMaking; query: Record<string, never>; reply: Process }
  }
  '/sys/part/{part}/proc': {
    get: { query: { depth?: number; limit?: number; cursor?: string }; reply: List<Process> }
    post: { body: ProcessMaking; query: Record<string, never>; reply: Process }
  }
  '/sys/proc/{pid}/thread': {
    get: { query: { depth?: number; limit?: number; cursor?: string }; reply: List<Thread> }
    post: { body: ThreadMaking; query: Record<string, never>; reply: Thread }
  }
  '/sys/part': {
    get: { query: { depth?: number; limit?: number; cursor?: string }; reply: List<Partition> }
  }
  '/sys/part/{part}/part': {
    get: { query: { depth?: number; limit?: number; cursor?: string }; reply: List<Partition> }
  }
  '/sys/states': {
    get: { query: { limit?: number; cursor?: string }; reply: List<StateRow> }
  }
  '/sys/limits': {
    get: { query: { limit?: number; cursor?: string }; reply: List<LimitRow> }
  }
  '/sys/thresholds': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Threshold> }
  }
  '/sys/signal-table': {
    get: { query: { limit?: number; cursor?: string }; reply: List<SignalRow> }
  }
  '/sys/deadlocks': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Deadlock> }
  }
  '/sys/deadlocks/{id}': {
    get: { query: Record<string, never>; reply: Deadlock }
  }
  '/sys/proc/{pid}/rlimit': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Rlimit> }
  }
  '/sys/proc/{pid}/rlimit/{rlimit}': {
    get: { query: Record<string, never>; reply: Rlimit }
    put: { body: RlimitChange; query: Record<string, never>; reply: Rlimit }
  }
  '/sys/proc/{pid}/signal': {
    get: { query: Record<string, never>; reply: Signals }
    post: { body: SignalSending; query: Record<string, never>; reply: SignalSent }
  }
  '/sys/notifier': {
    get: { query: Record<string, never>; reply: Notifier }
    put: { body: Switch; query: Record<string, never>; reply: Notifier }
  }
  '/sys/notifier/limits': {
    get: { query: { limit?: number; cursor?: string }; reply: List<LimitSwitch> }
  }
  '/sys/notifier/limits/{of}': {
    get: { query: Record<string, never>; reply: LimitSwitch }
    put: { body: Switch; query: Record<string, never>; reply: LimitSwitch }
  }
  '/sys/timeout': {
    get: { query: Record<string, never>; reply: Timeout }
    put: { body: TimeoutDefinition; query: Record<string, never>; reply: Timeout }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/part/{part}/timeout': {
    get: { query: Record<string, never>; reply: Timeout }
    put: { body: TimeoutDefinition; query: Record<string, never>; reply: Timeout }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/proc/{pid}/timeout': {
    get: { query: Record<string, never>; reply: Timeout }
    put: { body: TimeoutDefinition; query: Record<string, never>; reply: Timeout }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/proc/{pid}/thread/{tid}/wait': {
    get: { query: Record<string, never>; reply: WaitChain }
  }
  '/sys/proc/{pid}/wait': {
    get: { query: Record<string, never>; reply: WaitGraph }
  }
  '/sys/wait': {
    get: { query: Record<string, never>; reply: WaitGraph }
  }
  '/sys/proc/{pid}/thread/{tid}/call': {
    get: { query: Record<string, never>; reply: ThreadCall }
    post: { body: KernelCallBody; query: Record<string, never>; reply: Outcome }
  }
  '/sys/proc/{pid}/call': {
    get: { query: Record<string, never>; reply: ProcessCalls }
    post: { body: Move; query: Record<string, never>; reply: Outcome }
  }
  '/sys/proc/{pid}/channel': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Channel> }
  }
  '/sys/proc/{pid}/channel/{chid}': {
    get: { query: Record<string, never>; reply: Channel }
  }
  '/sys/calls': {
    get: { query: { limit?: number; cursor?: string }; reply: List<KernelCall> }
    post: { body: string; query: Record<string, never>; reply: string }
  }
  '/sys/scenario': {
    get: { query: Record<string, never>; reply: Scenario }
    post: { body: ScenarioFile; query: Record<string, never>; reply: Scenario }
  }
  '/sys/state': {
    get: { query: Record<string, never>; reply: MachineState }
    put: { body: MachineState; query: Record<string, never>; reply: Replaced }
  }
  '/sys/clock': {
    get: { query: Record<string, never>; reply: Clock }
    post: { body: Advance; query: Record<string, never>; reply: Advanced }
  }
  '/sys/proc/{pid}/thread/{tid}/{threadLimit}': {
    get: { query: Record<string, never>; reply: Limit }
  }
  '/sys/proc/{pid}/{processLimit}': {
    get: { query: Record<string, never>; reply: Limit }
  }
  '/sys/part/{part}/{partitionLimit}': {
    get: { query: Record<string, never>; reply: Limit }
  }
  '/sys/{systemLimit}': {
    get: { query: Record<string, never>; reply: Limit }
  }
  '/sys/proc/{pid}/thread/{tid}/{threadLimit}/threshold': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Threshold> }
  }
  '/sys/proc/{pid}/{processLimit}/threshold': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Threshold> }
  }
  '/sys/part/{part}/{partitionLimit}/threshold': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Threshold> }
  }
  '/sys/{systemLimit}/threshold': {
    get: { query: { limit?: number; cursor?: string }; reply: List<Threshold> }
  }
  '/sys/proc/{pid}/thread/{tid}/{threadLimit}/threshold/{name}': {
    get: { query: Record<string, never>; reply: Threshold }
    put: { body: ThresholdDefinition; query: { 'dry-run'?: true }; reply: Threshold }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/proc/{pid}/{processLimit}/threshold/{name}': {
    get: { query: Record<string, never>; reply: Threshold }
    put: { body: ThresholdDefinition; query: { 'dry-run'?: true }; reply: Threshold }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/part/{part}/{partitionLimit}/threshold/{name}': {
    get: { query: Record<string, never>; reply: Threshold }
    put: { body: ThresholdDefinition; query: { 'dry-run'?: true }; reply: Threshold }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/{systemLimit}/threshold/{name}': {
    get: { query: Record<string, never>; reply: Threshold }
    put: { body: ThresholdDefinition; query: { 'dry-run'?: true }; reply: Threshold }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/sys/proc/{pid}/thread/{tid}/{threadLimit}/history': {
    get: { query: { since?: string }; reply: History }
  }
  '/sys/proc/{pid}/{processLimit}/history': {
    get: { query: { since?: string }; reply: History }
  }
  '/sys/part/{part}/{partitionLimit}/history': {
    get: { query: { since?: string }; reply: History }
  }
  '/sys/{systemLimit}/history': {
    get: { query: { since?: string }; reply: History }
  }
  '/events': {
    get: { query: { after?: string; path?: string; types?: string; limit?: number }; reply: EventsPage }
  }
  '/subscriptions': {
    get: { query: Record<string, never>; reply: SubscriptionsView }
  }
  '/subscriptions/{name}': {
    get: { query: Record<string, never>; reply: SubscriptionView }
    put: { body: SubscriptionBody; query: Record<string, never>; reply: SubscriptionView }
    delete: { query: Record<string, never>; reply: undefined }
  }
  '/metrics': {
    get: { query: Record<string, never>; reply: string }
  }
  '/livez': {
    get: { query: Record<string, never>; reply: string }
  }
  '/readyz': {
    get: { query: { verbose?: string }; reply: string }
  }
  '/': {
    get: { query: Record<string, never>; reply: Record<string, unknown> }
  }
  '/openapi.json': {
    get: { query: Record<string, never>; reply: Record<string, unknown> }
  }
  '/asyncapi.json': {
    get: { query: Record<string, never>; reply: Record<string, unknown> }
  }
}

/** What may stand in place of a name in braces, where that is not any one segment. */
export interface Placeholders {
  threadLimit:
    | 'stack'
    | 'stack-size'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
  processLimit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'address-space'
    | 'threads'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  partitionLimit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  systemLimit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
}

export type ScenarioFile = string
/** Kept, and put back as it is */
export type MachineState = Record<string, unknown>
export type Outcome =
  | {
      /** What it returned; empty for success and nothing more */
      returned: {
        [k: string]: unknown
      }
    }
  | {
      blocked:
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      /** What it blocks on */
      on: {
        [k: string]: string | number
      }
    }
export type CallLine =
  | {
      /** Of the request, from 1; blank ones are counted */
      line: number
      /** What it returned; empty for success and nothing more */
      returned: {
        [k: string]: unknown
      }
    }
  | {
      /** Of the request, from 1; blank ones are counted */
      line: number
      blocked:
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      /** What it blocks on */
      on: {
        [k: string]: string | number
      }
    }
  | {
      /** Of the request, from 1; blank ones are counted */
      line: number
      errno:
        | 'E2BIG'
        | 'EACCES'
        | 'EAGAIN'
        | 'EBADF'
        | 'EBUSY'
        | 'ECHILD'
        | 'EDEADLK'
        | 'EEXIST'
        | 'EFBIG'
        | 'EINTR'
        | 'EINVAL'
        | 'EMFILE'
        | 'ENOENT'
        | 'ENOMEM'
        | 'ENOSPC'
        | 'ENOTSUP'
        | 'ENXIO'
        | 'EPERM'
        | 'ESRCH'
        | 'ETIMEDOUT'
      detail: string
    }
  | {
      /** Of the request, from 1; blank ones are counted */
      line: number
      problem: {
        type: string
        title: string
        status: number
        [k: string]: unknown
      }
    }


export interface Pools {
  /** Capacity of each limit, in its unit; null takes it away. Less than is in use refuses new use only */
  pools?: Partial<
    Record<
      | 'channels'
      | 'server-ids'
      | 'connections'
      | 'stack'
      | 'stack-size'
      | 'data-pages'
      | 'memory'
      | 'address-space'
      | 'threads'
      | 'processes'
      | 'fds'
      | 'timers'
      | 'signals'
      | 'memlock'
      | 'file-size',
      number | null
    >
  >
}
export interface ProcessMaking {
  name: string
  uid?: number
  /** A process that it is a child of */
  parent?: number
  /** Pathname of a partition, or /sys for none */
  partition?: string
  /** Its first thread */
  thread?: {
    priority?: number
    /** Bytes reserved */
    stackSize?: number
  }
}
export interface ThreadMaking {
  name?: string
  /** The caller’s own where it is left out */
  priority?: number
  /** Nobody will join it */
  detached?: boolean
  /** Bytes reserved */
  stackSize?: number
}
export interface RlimitChange {
  /** What refuses, from now on; left out it stays */
  soft?: number | 'unlimited'
  /** What `soft` may be at the most; left out it stays */
  hard?: number | 'unlimited'
}
export interface SignalSending {
  /** Name of the signal, as in SIGTERM or SIGRTMIN+1 */
  signal: string
}
export interface Switch {
  enabled: boolean
}
export interface TimeoutDefinition {
  /**
   * The states that are timed; an empty list exempts the threads here from the timer above
   *
   * @maxItems 11
   */
  states?: (
    | 'SEND'
    | 'RECEIVE'
    | 'REPLY'
    | 'SIGSUSPEND'
    | 'SIGWAITINFO'
    | 'NANOSLEEP'
    | 'MUTEX'
    | 'CONDVAR'
    | 'JOIN'
    | 'INTR'
    | 'SEM'
  )[]
  /** How long a thread may stay in these states, as in 500ms */
  after?: string | null
}
export interface KernelCallBody {
  call:
    | 'spawn'
    | 'exit'
    | 'waitpid'
    | 'kill'
    | 'setrlimit'
    | 'ThreadCreate'
    | 'ThreadDestroy'
    | 'ThreadJoin'
    | 'ThreadDetach'
    | 'ChannelCreate'
    | 'ChannelDestroy'
    | 'ConnectAttach'
    | 'ConnectDetach'
    | 'MsgSend'
    | 'MsgReceive'
    | 'MsgReply'
    | 'MsgError'
    | 'MsgSendPulse'
    | 'SyncTypeCreate'
    | 'SyncDestroy'
    | 'SyncMutexLock'
    | 'SyncMutexTryLock'
    | 'SyncMutexUnlock'
    | 'SyncCondvarWait'
    | 'SyncCondvarSignal'
    | 'SyncSemWait'
    | 'SyncSemPost'
    | 'SignalKill'
    | 'SignalAction'
    | 'SignalProcmask'
    | 'SignalWaitinfo'
    | 'SignalSuspend'
    | 'TimerCreate'
    | 'TimerSettime'
    | 'TimerDestroy'
    | 'TimerTimeout'
    | 'nanosleep'
    | 'compute'
    | 'mmap'
    | 'munmap'
    | 'enter'
    | 'leave'
    | 'open'
    | 'close'
    | 'write'
  [k: string]: unknown
}
export interface Move {
  call: 'move'
  /** Pathname of a partition, or /sys for none */
  partition: string
}
export interface ThresholdDefinition {
  /** `cross`: usage reaches `at`. `change`: usage changes at all; then there is no `at` */
  on?: 'cross' | 'change'
  /** Trip point: the threshold trips when usage reaches it */
  at?: (number | string) | null
  /** Usage at which it clears; strictly on the safe side of `at` */
  rearm?: (number | string) | null
  direction?: 'rising' | 'falling'
  /** Watch every node of this level strictly below separately */
  per?: ('thread' | 'process' | 'partition' | 'system') | null
  where?: {
    /** Name of the process: * matches any characters, ? one */
    name?: string | null
    uid?: number | null
    /** Pathname of a partition; nested partitions are included */
    partition?: string | null
  } | null
  /** Trip only after usage has been past `at` for this long */
  for?: string | null
  /** One event for each node; then it stays tripped until put again */
  once?: boolean
  /** `deny`: calls that would pass `at` fail (the model only). `signal`: the process that trips it is sent `signal` */
  action?: 'notify' | 'deny' | 'signal'
  /** Name of the signal to send, as in SIGXCPU; with the action `signal` only */
  signal?: string
  /** With `change`: the smallest difference from the last reported value that is reported */
  delta?: number | null
  /** With `change`: the shortest time between two events; each reports all `changes` since */
  every?: string | null
  /** Remove the threshold after this long, unless it is put again */
  ttl?: string | null
  /** Free text, included in every event */
  note?: string | null
}
export interface Advance {
  /** Duration with its unit: ms, s, m or h */
  advance: string
}
export interface SubscriptionBody {
  /** The subscriber has processed every event up to it; an earlier cursor repeats events */
  cursor: string
}
export interface System {
  /** Pathname, which is also the URL path */
  path: string
  /** Name of this machine */
  node: string
  /** What feeds the model */
  source: string
  version: string
  /** Items: Pathname, which is also the URL path */
  directories: string[]
  /** Items: Pathname, which is also the URL path */
  documents: string[]
  /** Usage of each limit that is known here, in its own unit; what is not known is absent */
  usage: Partial<Record<LimitName, number>>
  proc?: Process[]
  part?: Partition[]
}
export interface Process {
  /** Pathname, which is also the URL path */
  path: string
  pid: number
  /** Opaque; no two processes share one, even where they share a pid */
  identity: string
  /** RFC 3339, UTC */
  started: string
  name: string
  /** Null for kernel threads, and where it may not be read */
  executable: string | null
  /** pid; null where there is none or it is not known */
  parent: number | null
  /** Effective user id */
  uid: number | null
  partition: string | null
  /** This service itself */
  self?: true
  /** How many of its threads are in each state */
  state: Partial<
    Record<
      | 'DEAD'
      | 'RUNNING'
      | 'READY'
      | 'STOPPED'
      | 'SEND'
      | 'RECEIVE'
      | 'REPLY'
      | 'STACK'
      | 'WAITTHREAD'
      | 'WAITPAGE'
      | 'SIGSUSPEND'
      | 'SIGWAITINFO'
      | 'NANOSLEEP'
      | 'MUTEX'
      | 'CONDVAR'
      | 'JOIN'
      | 'INTR'
      | 'SEM'
      | 'WAITCTX'
      | 'NET_SEND'
      | 'NET_REPLY'
      | 'unknown',
      number
    >
  >
  /** Usage of each limit that is known here, in its own unit; what is not known is absent */
  usage: Partial<Record<LimitName, number>>
  /** Limits that could not be read here, with the reason */
  unavailable?: Partial<Record<LimitName, string>>
  thread?: Thread[]
}
export interface Thread {
  /** Pathname, which is also the URL path */
  path: string
  pid: number
  tid: number
  name: string
  /** Null where it cannot be told; `why` says so */
  state:
    | (
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      )
    | null
  /** The source cannot tell this state from another; `why` says which */
  certain?: false
  why?: string
  /** When this state was first seen */
  since: string
  /** What it blocks on */
  on?: {
    [k: string]: string | number
  }
  priority: number | null
  /** Usage of each limit that is known here, in its own unit; what is not known is absent */
  usage: Partial<Record<LimitName, number>>
  /** Limits that could not be read here, with the reason */
  unavailable?: Partial<Record<LimitName, string>>
}
export interface Partition {
  /** Pathname, which is also the URL path */
  path: string
  name: string
  /** Partitions directly below */
  partitions: number
  /** Usage of each limit that is known here, in its own unit; what is not known is absent */
  usage: Partial<Record<LimitName, number>>
  /** Limits that could not be read here, with the reason */
  unavailable?: Partial<Record<LimitName, string>>
  proc?: Process[]
  part?: Partition[]
}
export interface StateRow {
  number: number
  name:
    | 'DEAD'
    | 'RUNNING'
    | 'READY'
    | 'STOPPED'
    | 'SEND'
    | 'RECEIVE'
    | 'REPLY'
    | 'STACK'
    | 'WAITTHREAD'
    | 'WAITPAGE'
    | 'SIGSUSPEND'
    | 'SIGWAITINFO'
    | 'NANOSLEEP'
    | 'MUTEX'
    | 'CONDVAR'
    | 'JOIN'
    | 'INTR'
    | 'SEM'
    | 'WAITCTX'
    | 'NET_SEND'
    | 'NET_REPLY'
  summary: string
  transient: boolean
  /** It is legal to stay in it for ever */
  legalForever: boolean
  /** What it blocks on has an owner */
  owned: boolean
  network: boolean
  /** Not transient, not legal for ever, owned, not a network state */
  canonical: boolean
}
export interface LimitRow {
  /** Of the limit at the system, where it has one there */
  path: string
  name:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  summary: string
  unit: string
  /** Where it is counted */
  home: 'thread' | 'process' | 'partition' | 'system'
  /** Where it can be read */
  levels: ('thread' | 'process' | 'partition' | 'system')[]
  /** How it adds up above its home level */
  adds: 'sum' | 'maximum' | 'read' | 'none'
  /** What a refusal answers */
  errno: string | null
  rlimit: string | null
  available: boolean
  /** Why this source cannot measure it */
  reason?: string
  period: string | null
}
export interface Threshold {
  /** Pathname, which is also the URL path */
  path: string
  on: 'cross' | 'change'
  /** Null with `change` */
  at: (number | string) | null
  rearm: (number | string) | null
  direction: 'rising' | 'falling'
  per: ('thread' | 'process' | 'partition' | 'system') | null
  where: {
    name: string | null
    uid: number | null
    partition: string | null
  } | null
  /** As in 500ms, 30s or 1h */
  for: string | null
  once: boolean
  action: 'notify' | 'deny' | 'signal'
  /** What is sent, with the action `signal` */
  signal?: string
  delta: number | null
  /** As in 500ms, 30s or 1h */
  every: string | null
  /** As in 500ms, 30s or 1h */
  ttl: string | null
  /** When it is removed, with a `ttl` */
  expires?: string
  note: string | null
  /** Name of the token that set it; null where no tokens are in use */
  owner: string | null
  /** `disabled`: its limit, or all, is switched off */
  state: 'armed' | 'tripped' | 'unknown' | 'disabled'
  /** Nothing was set: this is what would be */
  dryRun?: true
  /** Usage now; null where it is not known. Not with `per` */
  value?: number | null
  capacity?: number | null
  /** Parts of the sum that cannot be read: the value is a lower bound */
  unreadable?: number
  /** The value is a high-water mark */
  estimate?: 'touched'
  /** With `per`: how many nodes are watched */
  nodes?: number
  /**
   * With `per`: the nodes’ limits that are past it
   *
   * Items: Pathname, which is also the URL path
   */
  tripped?: string[]
  /** With `per`: how many cannot be read just now */
  unknown?: number
  /** With `per` and a percentage: how many have none, and are skipped */
  withoutCapacity?: number
}
export interface SignalRow {
  number: number
  name: string
  /** A sender is told EAGAIN where it would pass a limit of the receiver, and nothing is queued */
  refusable: boolean
  /** Why it is not; null where it is */
  why: string | null
}
export interface Deadlock {
  /** Pathname, which is also the URL path */
  path: string
  /** The sequence of its first event */
  id: number
  kind: 'detected' | 'orphaned' | 'suspected'
  /** Of a suspicion: what must hold for it to be a deadlock */
  reason?: string
  /** RFC 3339, UTC */
  since: string
  /** What closed it */
  closing: {
    what: 'blocked' | 'ended' | 'released' | 'observed'
    thread: string | null
    state: string | null
    call: string | null
  }
  /** In order round the ring, else by pid and tid */
  members: Waiting[]
  /** Stuck because the members are */
  victims: Waiting[]
}
export interface Waiting {
  /** Pathname, which is also the URL path */
  path: string
  name: string
  state: string | null
  /** The mutex, channel or thread that it waits for; null where not traced */
  object: string | null
  /** The thread that has it, or the process any of whose threads may release it */
  owner: string | null
  /** That thread has ended: nobody can release it */
  ownerState?: 'DEAD'
  /** Of a message that was received: the thread that did */
  likely?: string
  /** RFC 3339, UTC */
  since: string
}
export interface Rlimit {
  /** Pathname, which is also the URL path */
  path: string
  rlimit: string
  unit: string
  soft: (number | 'unlimited') | null
  hard: (number | 'unlimited') | null
  unavailable?: string
}
export interface Signals {
  /** Pathname, which is also the URL path */
  path: string
  signals: string[]
  /** Why none can be sent; null where they can */
  refused: string | null
}
export interface SignalSent {
  /** Pathname, which is also the URL path */
  path: string
  signal: string
  pid: number
  /** Of the process that got it */
  identity: string
}
export interface Notifier {
  path: string
  /** False: no threshold is evaluated */
  enabled: boolean
  /** How many are set, evaluated or not */
  thresholds: number
  /** Limits that are switched off one by one */
  disabled: string[]
}
export interface LimitSwitch {
  path: string
  limit: string
  /** The switch of this limit; the whole notifier may be switched off besides */
  enabled: boolean
  thresholds: number
}
export interface Timeout {
  /** Pathname, which is also the URL path */
  path: string
  /** The timer that holds here: its own, or the nearest above; null where there is none */
  holds: string | null
  /** In which a thread may not stay for long; none exempts */
  states: (
    | 'DEAD'
    | 'RUNNING'
    | 'READY'
    | 'STOPPED'
    | 'SEND'
    | 'RECEIVE'
    | 'REPLY'
    | 'STACK'
    | 'WAITTHREAD'
    | 'WAITPAGE'
    | 'SIGSUSPEND'
    | 'SIGWAITINFO'
    | 'NANOSLEEP'
    | 'MUTEX'
    | 'CONDVAR'
    | 'JOIN'
    | 'INTR'
    | 'SEM'
    | 'WAITCTX'
    | 'NET_SEND'
    | 'NET_REPLY'
  )[]
  /** How long it may, as in 500ms */
  after: string | null
  /** Name of the token that the timer was set with */
  owner: string | null
  /**
   * Threads below that were warned of and still wait
   *
   * Items: Pathname, which is also the URL path
   */
  warned: string[]
}
export interface WaitChain {
  /** Pathname, which is also the URL path */
  path: string
  chain: Waiting[]
  /** Why it goes no further */
  end:
    | {
        how: 'runs' | 'untraced'
        /** Pathname, which is also the URL path */
        thread: string
        state: string | null
      }
    | {
        how: 'nobody'
      }
    | {
        how: 'loop'
        /** Pathname, which is also the URL path */
        thread: string
      }
    | {
        how: 'any'
        /** Pathname, which is also the URL path */
        process: string
        threads: number
        likely: string | null
      }
    | {
        how: 'long'
      }
  /**
   * Those that it is a member or a victim of
   *
   * Items: Pathname, which is also the URL path
   */
  deadlocks: string[]
}
export interface WaitGraph {
  /** Pathname, which is also the URL path */
  path: string
  /** Threads that wait for something that is traced */
  waiting: number
  /** Of those, how many are not shown */
  omitted: number
  threads: Waiting[]
}
export interface ThreadCall {
  /** Pathname, which is also the URL path */
  path: string
  /** The call that it is blocked in */
  blocked: {
    call:
      | 'spawn'
      | 'exit'
      | 'waitpid'
      | 'kill'
      | 'setrlimit'
      | 'ThreadCreate'
      | 'ThreadDestroy'
      | 'ThreadJoin'
      | 'ThreadDetach'
      | 'ChannelCreate'
      | 'ChannelDestroy'
      | 'ConnectAttach'
      | 'ConnectDetach'
      | 'MsgSend'
      | 'MsgReceive'
      | 'MsgReply'
      | 'MsgError'
      | 'MsgSendPulse'
      | 'SyncTypeCreate'
      | 'SyncDestroy'
      | 'SyncMutexLock'
      | 'SyncMutexTryLock'
      | 'SyncMutexUnlock'
      | 'SyncCondvarWait'
      | 'SyncCondvarSignal'
      | 'SyncSemWait'
      | 'SyncSemPost'
      | 'SignalKill'
      | 'SignalAction'
      | 'SignalProcmask'
      | 'SignalWaitinfo'
      | 'SignalSuspend'
      | 'TimerCreate'
      | 'TimerSettime'
      | 'TimerDestroy'
      | 'TimerTimeout'
      | 'nanosleep'
      | 'compute'
      | 'mmap'
      | 'munmap'
      | 'enter'
      | 'leave'
      | 'open'
      | 'close'
      | 'write'
    state:
      | 'DEAD'
      | 'RUNNING'
      | 'READY'
      | 'STOPPED'
      | 'SEND'
      | 'RECEIVE'
      | 'REPLY'
      | 'STACK'
      | 'WAITTHREAD'
      | 'WAITPAGE'
      | 'SIGSUSPEND'
      | 'SIGWAITINFO'
      | 'NANOSLEEP'
      | 'MUTEX'
      | 'CONDVAR'
      | 'JOIN'
      | 'INTR'
      | 'SEM'
      | 'WAITCTX'
      | 'NET_SEND'
      | 'NET_REPLY'
    /** What it blocks on */
    on: {
      [k: string]: string | number
    }
  } | null
  /** What the last call that blocked it returned */
  returned:
    | (
        | {
            call:
              | 'spawn'
              | 'exit'
              | 'waitpid'
              | 'kill'
              | 'setrlimit'
              | 'ThreadCreate'
              | 'ThreadDestroy'
              | 'ThreadJoin'
              | 'ThreadDetach'
              | 'ChannelCreate'
              | 'ChannelDestroy'
              | 'ConnectAttach'
              | 'ConnectDetach'
              | 'MsgSend'
              | 'MsgReceive'
              | 'MsgReply'
              | 'MsgError'
              | 'MsgSendPulse'
              | 'SyncTypeCreate'
              | 'SyncDestroy'
              | 'SyncMutexLock'
              | 'SyncMutexTryLock'
              | 'SyncMutexUnlock'
              | 'SyncCondvarWait'
              | 'SyncCondvarSignal'
              | 'SyncSemWait'
              | 'SyncSemPost'
              | 'SignalKill'
              | 'SignalAction'
              | 'SignalProcmask'
              | 'SignalWaitinfo'
              | 'SignalSuspend'
              | 'TimerCreate'
              | 'TimerSettime'
              | 'TimerDestroy'
              | 'TimerTimeout'
              | 'nanosleep'
              | 'compute'
              | 'mmap'
              | 'munmap'
              | 'enter'
              | 'leave'
              | 'open'
              | 'close'
              | 'write'
            /** What it returned; empty for success and nothing more */
            value: {
              [k: string]: unknown
            }
          }
        | {
            call:
              | 'spawn'
              | 'exit'
              | 'waitpid'
              | 'kill'
              | 'setrlimit'
              | 'ThreadCreate'
              | 'ThreadDestroy'
              | 'ThreadJoin'
              | 'ThreadDetach'
              | 'ChannelCreate'
              | 'ChannelDestroy'
              | 'ConnectAttach'
              | 'ConnectDetach'
              | 'MsgSend'
              | 'MsgReceive'
              | 'MsgReply'
              | 'MsgError'
              | 'MsgSendPulse'
              | 'SyncTypeCreate'
              | 'SyncDestroy'
              | 'SyncMutexLock'
              | 'SyncMutexTryLock'
              | 'SyncMutexUnlock'
              | 'SyncCondvarWait'
              | 'SyncCondvarSignal'
              | 'SyncSemWait'
              | 'SyncSemPost'
              | 'SignalKill'
              | 'SignalAction'
              | 'SignalProcmask'
              | 'SignalWaitinfo'
              | 'SignalSuspend'
              | 'TimerCreate'
              | 'TimerSettime'
              | 'TimerDestroy'
              | 'TimerTimeout'
              | 'nanosleep'
              | 'compute'
              | 'mmap'
              | 'munmap'
              | 'enter'
              | 'leave'
              | 'open'
              | 'close'
              | 'write'
            errno:
              | 'E2BIG'
              | 'EACCES'
              | 'EAGAIN'
              | 'EBADF'
              | 'EBUSY'
              | 'ECHILD'
              | 'EDEADLK'
              | 'EEXIST'
              | 'EFBIG'
              | 'EINTR'
              | 'EINVAL'
              | 'EMFILE'
              | 'ENOENT'
              | 'ENOMEM'
              | 'ENOSPC'
              | 'ENOTSUP'
              | 'ENXIO'
              | 'EPERM'
              | 'ESRCH'
              | 'ETIMEDOUT'
          }
      )
    | null
}
export interface ProcessCalls {
  path: string
  calls: string[]
}
export interface Channel {
  /** Pathname, which is also the URL path */
  path: string
  chid: number
  /** Pathname, which is also the URL path */
  owner: string
  fixedPriority: boolean
  /**
   * SEND-blocked clients, the first to be received first
   *
   * Items: Pathname, which is also the URL path
   */
  send: string[]
  /**
   * RECEIVE-blocked threads
   *
   * Items: Pathname, which is also the URL path
   */
  receive: string[]
  reply: {
    rcvid: number
    /** Pathname, which is also the URL path */
    client: string
    receiver: string | null
  }[]
  pulses: {
    priority: number
    code: number
    value: number
    scoid: number
    count: number
  }[]
  connections: {
    scoid: number
    /** Pathname, which is also the URL path */
    client: string
    coids: number[]
  }[]
}
export interface KernelCall {
  /** Pathname, which is also the URL path */
  path: string
  call:
    | 'spawn'
    | 'exit'
    | 'waitpid'
    | 'kill'
    | 'setrlimit'
    | 'ThreadCreate'
    | 'ThreadDestroy'
    | 'ThreadJoin'
    | 'ThreadDetach'
    | 'ChannelCreate'
    | 'ChannelDestroy'
    | 'ConnectAttach'
    | 'ConnectDetach'
    | 'MsgSend'
    | 'MsgReceive'
    | 'MsgReply'
    | 'MsgError'
    | 'MsgSendPulse'
    | 'SyncTypeCreate'
    | 'SyncDestroy'
    | 'SyncMutexLock'
    | 'SyncMutexTryLock'
    | 'SyncMutexUnlock'
    | 'SyncCondvarWait'
    | 'SyncCondvarSignal'
    | 'SyncSemWait'
    | 'SyncSemPost'
    | 'SignalKill'
    | 'SignalAction'
    | 'SignalProcmask'
    | 'SignalWaitinfo'
    | 'SignalSuspend'
    | 'TimerCreate'
    | 'TimerSettime'
    | 'TimerDestroy'
    | 'TimerTimeout'
    | 'nanosleep'
    | 'compute'
    | 'mmap'
    | 'munmap'
    | 'enter'
    | 'leave'
    | 'open'
    | 'close'
    | 'write'
  /** JSON Schema of each argument */
  arguments: {
    [k: string]: unknown
  }
  required: string[]
}
export interface Scenario {
  /** Pathname, which is also the URL path */
  path: string
  /** Of the last that was run; null where none was */
  title: string | null
  /** All was as it expected */
  met: boolean | null
  /** What was not, with the place in the file */
  differences: {
    line: number
    column: number
    message: string
  }[]
  calls: number
  events: number
  /** How long, by the kernel’s clock */
  ran: string
  now: string
}
export interface Replaced {
  /** Pathname, which is also the URL path */
  path: string
  /** Where the clock is now */
  now: string
  processes: number
}
export interface Clock {
  /** Pathname, which is also the URL path */
  path: string
  /** Virtual time moves by POST only; real time follows the wall clock */
  clock: 'virtual' | 'real'
  now: string
  /** When the next timer expires; null where none is set, or only for after the end of the clock */
  next: string | null
}
export interface Advanced {
  now: string
  /** The clock stands before what was wanted, as 100000 timers have expired */
  stopped?: true
  wanted?: string
}
export interface Limit {
  /** Pathname, which is also the URL path */
  path: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  unit: string
  /** Null where it is not known */
  value: number | null
  /** High-water mark of this node’s own value */
  peak: number | null
  /** What a percentage refers to; null where there is none */
  capacity: number | null
  asOf: string | null
  /** How often it is sampled; null where it is counted as it happens */
  period: string | null
  /** Parts of the sum that cannot be read: the value is a lower bound */
  unreadable?: number
  /** The value is a high-water mark: how far it has ever reached */
  estimate?: 'touched'
  /** Why there is no value */
  unavailable?: string
  thresholds: {
    /** Pathname, which is also the URL path */
    path: string
    at: (number | string) | null
    /** `disabled`: its limit, or all, is switched off */
    state: 'armed' | 'tripped' | 'unknown' | 'disabled'
  }[]
}
export interface History {
  /** Pathname, which is also the URL path */
  path: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  unit: string
  /** Length of an interval. Usage is noted ten times in it at the most */
  every: string
  /** How long intervals are kept */
  keep: string
  /** It is noted at present */
  kept: boolean
  /** Why it is not */
  why?: string
  /** The oldest first */
  entries: {
    /** It ends where the next one begins */
    start: string
    /** Null, all three: not known */
    minimum: number | null
    maximum: number | null
    last: number | null
  }[]
}
export interface EventsPage {
  path: '/events'
  /** The oldest cursor after which events are stored */
  oldest: string
  /** The cursor at the end of this page */
  cursor: string
  /** URL of the next page; null where there are no more events yet */
  next: string | null
  events: CloudEvent[]
}
/** CloudEvents 1.0 */
export interface CloudEvent {
  specversion: '1.0'
  /** Unique with `source`; equal to `sequence` where there is one */
  id: string
  /** The node, as in /net/alpha */
  source: string
  type: string
  /** Pathname that the event is about first */
  subject: string
  /** RFC 3339, UTC */
  time?: string
  /** The cursor: counts up by one without holes */
  sequence?: string
  /** Pathnames of what else it concerns, with commas */
  about?: string
  /** As its type says: asyncapi.yaml */
  data: {
    [k: string]: unknown
  }
}
export interface SubscriptionsView {
  path: '/subscriptions'
  entries: SubscriptionView[]
  next: null
}
export interface SubscriptionView {
  path: string
  name: string
  /** Name of the token that created it; null where the service has no tokens */
  owner: string | null
  /** The subscriber has processed every event up to this cursor */
  cursor: string
  /** Number of later events, of any path and type; null where some of them are deleted */
  behind: number | null
  /** The next events are deleted: the subscriber must start again from a snapshot */
  gone: boolean
  connected: boolean
  /** `memory`: the subscription ends with the service */
  kept: 'journal' | 'memory'
  created: string
  /** When the cursor last moved */
  acknowledged: string | null
}
export interface Problem {
  /** Stable; errno:<name> where the kernel refused the request */
  type: string
  title: string
  status: number
  /** What is wrong and what to do */
  detail: string
  instance?: string
  /** The errno, where the kernel refused the request */
  errno?: string
  /** For a path that does not exist: the longest part of it that does */
  exists?: string
  /** For a cursor that is too old: the oldest that is stored */
  oldest?: string
  /** Each invalid field by JSON pointer, each invalid query parameter by name */
  errors?: {
    pointer?: string
    parameter?: string
    detail: string
    /** In a file */
    line?: number
    column?: number
  }[]
}
export interface ProcessCreatedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** On Linux its parent’s at first: it gets its own at exec */
  name: string
  /** RFC 3339, UTC */
  started: string
  /** pid; null where there is none or it is not known */
  parent: number | null
  /** Null for kernel threads, and where it may not be read */
  executable: string | null
  /** Effective user id */
  uid: number | null
  partition: string | null
  /** It is introspectd itself */
  self?: true
}
export interface ProcessDiedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the process */
  name: string
  /** Exit code; null where a signal ended it, or it was found gone by polling */
  code: number | null
  /** Which ended it; null where none did, or it was found gone by polling */
  signal: string | null
  /** The highest known of each limit */
  peak: Partial<Record<LimitName, number>>
}
export interface ProcessChangedData {
  what: 'exec' | 'name' | 'uid' | 'partition'
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the process */
  name: string
  /** Null for kernel threads, and where it may not be read */
  executable: string | null
  /** Effective user id */
  uid: number | null
  partition: string | null
}
export interface ThreadCreatedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the thread */
  name: string
  tid: number
}
export interface ThreadDiedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the thread */
  name: string
  tid: number
}
export interface ThreadChangedData {
  what: 'state'
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the thread */
  name: string
  tid: number
  /** Null where it cannot be told */
  state:
    | (
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      )
    | null
  /** What it blocks on */
  on?: {
    [k: string]: string | number
  }
  /** Where it goes on: the state that it was in */
  from?:
    | 'DEAD'
    | 'RUNNING'
    | 'READY'
    | 'STOPPED'
    | 'SEND'
    | 'RECEIVE'
    | 'REPLY'
    | 'STACK'
    | 'WAITTHREAD'
    | 'WAITPAGE'
    | 'SIGSUSPEND'
    | 'SIGWAITINFO'
    | 'NANOSLEEP'
    | 'MUTEX'
    | 'CONDVAR'
    | 'JOIN'
    | 'INTR'
    | 'SEM'
    | 'WAITCTX'
    | 'NET_SEND'
    | 'NET_REPLY'
  /** Where it goes on: the call that it was blocked in */
  call?: string | null
  /** Where that call failed */
  errno?:
    | 'E2BIG'
    | 'EACCES'
    | 'EAGAIN'
    | 'EBADF'
    | 'EBUSY'
    | 'ECHILD'
    | 'EDEADLK'
    | 'EEXIST'
    | 'EFBIG'
    | 'EINTR'
    | 'EINVAL'
    | 'EMFILE'
    | 'ENOENT'
    | 'ENOMEM'
    | 'ENOSPC'
    | 'ENOTSUP'
    | 'ENXIO'
    | 'EPERM'
    | 'ESRCH'
    | 'ETIMEDOUT'
}
export interface PartitionCreatedData {
  name: string
}
export interface PartitionDiedData {
  name: string
  /** The highest known of each limit */
  peak: Partial<Record<LimitName, number>>
}
export interface ThresholdTrippedData {
  /** Pathname of the threshold */
  threshold: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  /** Of the node that crossed; null where it is no longer known */
  value: number | null
  /** What a percentage refers to; null where there is none */
  capacity: number | null
  /** High-water mark of the node’s own value */
  peak: number | null
  /** Parts of the sum that cannot be read: the value is a lower bound */
  unreadable?: number
  /** The value is a high-water mark */
  estimate?: 'touched'
  /** Of the process; not where the node is above processes */
  identity?: string
  /** Of the process */
  name?: string
  /** It is introspectd itself */
  self?: true
  /** How often the limit is sampled; null where it is counted as it happens */
  period: string | null
  /** Of a sum, the three parts that use most */
  top: {
    /** Pathname, which is also the URL path */
    path: string
    pid?: number
    tid?: number
    name?: string
    identity?: string
    /** It is introspectd itself */
    self?: true
    value: number
  }[]
  /** Of the threshold */
  note: string | null
  /** Trip point: of a percentage, the first number past it */
  at: number | null
  /** Where it is cleared again */
  rearm: number | null
  direction: 'rising' | 'falling'
  /** How long it stayed past before it was told, where the threshold asks for that */
  for?: string
  /** It was past the point when the threshold was set */
  initial: boolean
}
export interface ThresholdActedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the process */
  name: string
  /** Pathname, which is also the URL path */
  threshold: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  signal: string
  /** Where it goes to one thread */
  tid?: number
  sent: boolean
  /** Where it was not sent */
  errno?:
    | 'E2BIG'
    | 'EACCES'
    | 'EAGAIN'
    | 'EBADF'
    | 'EBUSY'
    | 'ECHILD'
    | 'EDEADLK'
    | 'EEXIST'
    | 'EFBIG'
    | 'EINTR'
    | 'EINVAL'
    | 'EMFILE'
    | 'ENOENT'
    | 'ENOMEM'
    | 'ENOSPC'
    | 'ENOTSUP'
    | 'ENXIO'
    | 'EPERM'
    | 'ESRCH'
    | 'ETIMEDOUT'
  /** Where it was not sent */
  reason?: string
  /** Of the threshold */
  note: string | null
}
export interface ThresholdClearedData {
  /** Pathname of the threshold */
  threshold: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  /** Of the node that crossed; null where it is no longer known */
  value: number | null
  /** What a percentage refers to; null where there is none */
  capacity?: number | null
  /** High-water mark of the node’s own value */
  peak?: number | null
  /** Parts of the sum that cannot be read: the value is a lower bound */
  unreadable?: number
  /** The value is a high-water mark */
  estimate?: 'touched'
  /** Of the process; not where the node is above processes */
  identity?: string
  /** Of the process */
  name?: string
  /** It is introspectd itself */
  self?: true
  /** How often the limit is sampled; null where it is counted as it happens */
  period?: string | null
  /** Of a sum, the three parts that use most */
  top?: {
    /** Pathname, which is also the URL path */
    path: string
    pid?: number
    tid?: number
    name?: string
    identity?: string
    /** It is introspectd itself */
    self?: true
    value: number
  }[]
  /** Of the threshold */
  note: string | null
  /** Trip point: of a percentage, the first number past it */
  at?: number | null
  /** Where it is cleared again */
  rearm?: number | null
  direction?: 'rising' | 'falling'
  /** How long it stayed past before it was told, where the threshold asks for that */
  for?: string
  reason: 'rearmed' | 'died' | 'deleted' | 'replaced' | 'expired' | 'disabled' | 'filtered'
}
export interface LimitChangedData {
  /** Pathname of the threshold */
  threshold: string
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  /** Of the node that crossed; null where it is no longer known */
  value: number | null
  /** What a percentage refers to; null where there is none */
  capacity: number | null
  /** High-water mark of the node’s own value */
  peak: number | null
  /** Parts of the sum that cannot be read: the value is a lower bound */
  unreadable?: number
  /** The value is a high-water mark */
  estimate?: 'touched'
  /** Of the process; not where the node is above processes */
  identity?: string
  /** Of the process */
  name?: string
  /** It is introspectd itself */
  self?: true
  /** How often the limit is sampled; null where it is counted as it happens */
  period: string | null
  /** Of a sum, the three parts that use most */
  top: {
    /** Pathname, which is also the URL path */
    path: string
    pid?: number
    tid?: number
    name?: string
    identity?: string
    /** It is introspectd itself */
    self?: true
    value: number
  }[]
  /** Of the threshold */
  note: string | null
  /** The value that was told last; at first the one that was found */
  from: number | null
  /** How often it has changed since */
  changes: number
}
export interface LimitDeniedData {
  limit:
    | 'channels'
    | 'server-ids'
    | 'connections'
    | 'stack'
    | 'stack-size'
    | 'data-pages'
    | 'memory'
    | 'memory-free'
    | 'address-space'
    | 'threads'
    | 'processes'
    | 'children'
    | 'fds'
    | 'timers'
    | 'signals'
    | 'cpu-time'
    | 'cpu'
    | 'mutexes'
    | 'memlock'
    | 'file-size'
  /** What the refused call answered, where this is the first that refused */
  errno:
    | 'E2BIG'
    | 'EACCES'
    | 'EAGAIN'
    | 'EBADF'
    | 'EBUSY'
    | 'ECHILD'
    | 'EDEADLK'
    | 'EEXIST'
    | 'EFBIG'
    | 'EINTR'
    | 'EINVAL'
    | 'EMFILE'
    | 'ENOENT'
    | 'ENOMEM'
    | 'ENOSPC'
    | 'ENOTSUP'
    | 'ENXIO'
    | 'EPERM'
    | 'ESRCH'
    | 'ETIMEDOUT'
  by: 'threshold' | 'rlimit' | 'pool'
  /** Which, where an rlimit refuses */
  rlimit?: string
  /** Null where none refuses */
  threshold: string | null
  /** It would have begun past the limit, and is not made; the subject is where it would have been */
  newborn?: 'thread' | 'process'
  /** In use */
  value: number
  /** How much more was wanted */
  wanted: number
  /** The most that is let be */
  most: number
  /** Of the receiving process */
  identity?: string
  /** Of the receiving process */
  name?: string
  /** Of the threshold */
  note: string | null
  /** Who was refused: a thread; a process whose timer expired, or that ended; a threshold that signals */
  cause: string | null
  /** What it called; null where nobody called */
  call: string | null
}
export interface DeadlockWarningData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the thread */
  name: string
  tid: number
  /** Pathname of the default timer that ran out */
  timeout: string
  /** That it was in when it was told of */
  state:
    | (
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      )
    | null
  /** When the blocking began */
  since: string
  /** How long it had lasted, as in 512ms */
  blocked: string
  /** What it blocks on */
  on?: {
    [k: string]: string | number
  }
  /** The source cannot tell that state from another */
  certain?: false
  /** Which other */
  why?: string
  /** How long it may last */
  after: string
  /** What it waits for, and what that waits for, as `wait` shows it */
  chain: Waiting[]
  /** Why it goes no further */
  end:
    | {
        how: 'runs' | 'untraced'
        /** Pathname, which is also the URL path */
        thread: string
        state: string | null
      }
    | {
        how: 'nobody'
      }
    | {
        how: 'loop'
        /** Pathname, which is also the URL path */
        thread: string
      }
    | {
        how: 'any'
        /** Pathname, which is also the URL path */
        process: string
        threads: number
        likely: string | null
      }
    | {
        how: 'long'
      }
  /** It had waited too long when the timer was set, or its process moved */
  initial: boolean
}
export interface DeadlockEasedData {
  pid: number
  /** Of the process: no two share one, even where they share a pid */
  identity: string
  /** Of the thread */
  name: string
  tid: number
  /** Pathname of the default timer that ran out */
  timeout: string
  /** That it was in when it was told of */
  state:
    | (
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      )
    | null
  /** When the blocking began */
  since: string
  /** How long it had lasted; null where the service was not running when it ended */
  blocked: string | null
  /** That it is in now; `DEAD` where it has ended */
  now:
    | (
        | 'DEAD'
        | 'RUNNING'
        | 'READY'
        | 'STOPPED'
        | 'SEND'
        | 'RECEIVE'
        | 'REPLY'
        | 'STACK'
        | 'WAITTHREAD'
        | 'WAITPAGE'
        | 'SIGSUSPEND'
        | 'SIGWAITINFO'
        | 'NANOSLEEP'
        | 'MUTEX'
        | 'CONDVAR'
        | 'JOIN'
        | 'INTR'
        | 'SEM'
        | 'WAITCTX'
        | 'NET_SEND'
        | 'NET_REPLY'
      )
    | null
}
export interface DeadlockDetectedData {
  /** When it was found */
  since: string
  /** What closed it */
  closing: {
    what: 'blocked' | 'ended' | 'released' | 'observed'
    thread: string | null
    state: string | null
    call: string | null
  }
  /** In order round the ring, else by pid and tid */
  members: Waiting[]
  /** The first of those that are stuck because the members are */
  victims: Waiting[]
  victimCount: number
}
export interface DeadlockOrphanedData {
  /** When it was found */
  since: string
  /** What closed it */
  closing: {
    what: 'blocked' | 'ended' | 'released' | 'observed'
    thread: string | null
    state: string | null
    call: string | null
  }
  /** In order round the ring, else by pid and tid */
  members: Waiting[]
  /** The first of those that are stuck because the members are */
  victims: Waiting[]
  victimCount: number
}
export interface DeadlockSuspectedData {
  /** When it was found */
  since: string
  /** What closed it */
  closing: {
    what: 'blocked' | 'ended' | 'released' | 'observed'
    thread: string | null
    state: string | null
    call: string | null
  }
  /** In order round the ring, else by pid and tid */
  members: Waiting[]
  /** The first of those that are stuck because the members are */
  victims: Waiting[]
  victimCount: number
  /** What must hold for it to be a deadlock; several with commas */
  reason: string
}
export interface DeadlockResolvedData {
  how: 'returned' | 'ended' | 'abandoned' | 'created' | 'changed' | 'proven' | 'restarted'
  was: 'detected' | 'orphaned' | 'suspected'
  /** Which changed it; null where that was not seen */
  thread?: string | null
  /** Where a member’s call returned with it */
  errno?:
    | 'E2BIG'
    | 'EACCES'
    | 'EAGAIN'
    | 'EBADF'
    | 'EBUSY'
    | 'ECHILD'
    | 'EDEADLK'
    | 'EEXIST'
    | 'EFBIG'
    | 'EINTR'
    | 'EINVAL'
    | 'EMFILE'
    | 'ENOENT'
    | 'ENOMEM'
    | 'ENOSPC'
    | 'ENOTSUP'
    | 'ENXIO'
    | 'EPERM'
    | 'ESRCH'
    | 'ETIMEDOUT'
  /** What a suspicion has become */
  proven?: string
  /** When it was found */
  since: string
  members: {
    /** Pathname, which is also the URL path */
    path: string
    name: string
  }[]
  /**
   * The members that are stuck all the same: looked at again, and told anew. Absent where the service was restarted
   *
   * Items: Pathname, which is also the URL path
   */
  stuck?: string[]
}
export interface StateReplacedData {
  /** Where the clock was before */
  before: string
}
export interface SourceDegradedData {
  what: string
  reason: string
  /** Of the event loop: for how long, as in 2500ms */
  blocked?: string
}
export interface SourceRecoveredData {
  what: string
  reason?: string
}
export interface EventsLostData {
  /** How many; null where nobody knows */
  count: number | null
  /** Null where nobody knows */
  from: string | null
  /** RFC 3339, UTC */
  to: string
  why: string
  /** Where it stands for events that could not be kept: the last of those */
  cursor?: string
}
