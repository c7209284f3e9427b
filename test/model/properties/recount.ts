/**
 * Recounts the kernel's counters from the objects themselves. A ledger of performed operations has the counts that no
 * object holds: used stack and CPU time. No arithmetic of the kernel is used.
 */

import type { LimitName } from '../../../src/kernel/limits/table.ts'
import type { Node } from '../../../src/kernel/nodes/node.ts'
import type { Partition } from '../../../src/kernel/nodes/partition.ts'
import type { System } from '../../../src/kernel/nodes/system.ts'
import type { KernelCall } from '../../../src/model/calls/table.ts'
import type { Machine } from '../../../src/model/machine.ts'
import type { ModelProcess } from '../../../src/model/objects/model-process.ts'
import type { ModelThread } from '../../../src/model/objects/model-thread.ts'
import type { Operation, Result } from './operations.ts'

type Counts = Partial<Record<LimitName, number>>

const page = 4096
const inPages = (bytes: number): number => Math.ceil(bytes / page) * page

interface Account {
  /** Size of the stack in bytes. */
  readonly size: number
  used: number
  /** CPU time in µs, each with the ms in which it was charged. */
  readonly computed: { readonly at: number; readonly us: number }[]
}

export class Ledger {
  readonly #machine: Machine
  readonly #accounts = new Map<ModelThread, Account>()
  readonly #cpuTime = new Map<Node, number>()

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** Returns the effect of an operation on its thread's account, to be applied if the operation succeeds. */
  before(operation: Operation): () => void {
    if (operation.do !== 'call') return () => {}
    const thread = this.#machine.processes.find(operation.pid)?.threads.get(operation.tid)
    const account = thread && this.#accounts.get(thread)
    if (thread === undefined || account === undefined) return () => {}
    const { name, args } = operation.call
    const limit = thread.isMain ? Math.min(account.size, thread.parent.rlimits.stack.soft) : account.size
    if (name === 'enter' && account.used + args.bytes <= limit) return () => (account.used += args.bytes)
    if (name === 'leave') return () => (account.used -= args.bytes)
    if (name !== 'compute') return () => {}
    const { now } = this.#machine.kernel
    const nodes: Node[] = [thread]
    for (let node: Node | null = thread.parent; node !== null; node = node.parent) nodes.push(node)
    return () => {
      account.computed.push({ at: now, us: args.us })
      for (const node of nodes) this.#cpuTime.set(node, this.cpuTime(node) + args.us)
    }
  }

  /** Opens an account for each new thread. */
  after(operation: Operation, result: Result, settle: () => void): void {
    if ('done' in result) settle()
    const requested = operation.do === 'call' ? requestedStack(operation.call) : undefined
    for (const { threads } of this.#machine.processes.all())
      for (const thread of threads.values()) {
        if (this.#accounts.has(thread)) continue
        const size = requested ?? 64 * page
        this.#accounts.set(thread, { size, used: Math.min(size, page), computed: [] })
      }
  }

  account(thread: ModelThread): Account {
    return this.#accounts.get(thread)!
  }

  cpuTime(node: Node): number {
    return this.#cpuTime.get(node) ?? 0
  }
}

export function recount(machine: Machine, ledger: Ledger): Map<Node, Counts> {
  const counts = new Map<Node, Counts>()
  const processes = machine.processes.all()
  for (const process of processes) {
    for (const thread of process.threads.values()) counts.set(thread, countThread(machine, ledger, thread))
    counts.set(process, countProcess(machine, ledger, process, counts))
  }
  const within = (container: System | Partition) => processes.filter((process) => isIn(process, container))
  for (const container of allContainers(machine.kernel.system))
    counts.set(container, countContainer(machine, ledger, container, { within: within(container), counts }))
  return counts
}

function countThread({ kernel, shared }: Machine, ledger: Ledger, thread: ModelThread): Counts {
  const { used, size, computed } = ledger.account(thread)
  const recent = computed.filter(({ at }) => at + 1000 > kernel.now).reduce((sum, { us }) => sum + us, 0)
  const mutexes = [...shared.values(), ...thread.parent.syncs.values()].filter(
    (sync) => sync.type === 'mutex' && sync.owner === thread,
  )
  const aliveFactor = thread.condition.state === 'DEAD' ? 0 : 1
  return {
    stack: aliveFactor * used,
    'stack-size': aliveFactor * size,
    'cpu-time': ledger.cpuTime(thread),
    cpu: aliveFactor * Math.round(recent / 1000),
    mutexes: aliveFactor * mutexes.length,
  }
}

function countProcess(
  machine: Machine,
  ledger: Ledger,
  process: ModelProcess,
  counts: ReadonlyMap<Node, Counts>,
): Counts {
  const { channels, connections, threads, files, timers, pending, dataPages, lockedPages } = process
  const all = [...threads.values()]
  const sum = (limit: LimitName) => all.reduce((total, thread) => total + counts.get(thread)![limit]!, 0)
  const stackPages = all.reduce((total, thread) => total + inPages(counts.get(thread)!.stack!), 0)
  const clients = machine.processes
    .all()
    .flatMap((client) => [...client.connections.values()].map(({ channel }) => ({ client, channel })))
    .filter(({ channel }) => channels.get(channel.chid) === channel)
    .map(({ client, channel }) => `${client.pid} ${channel.chid}`)
  const waiting = [...channels.values()].reduce((total, { pulses }) => total + pulses.length, pending.length)
  const written = [...files.values()].filter(({ writable }) => writable).map(({ size }) => size)
  return {
    channels: channels.size,
    'server-ids': new Set(clients).size,
    connections: connections.size,
    stack: sum('stack'),
    'stack-size': sum('stack-size'),
    'data-pages': dataPages,
    memory: dataPages * page + stackPages,
    'address-space': dataPages * page + sum('stack-size'),
    threads: threads.size,
    children: machine.processes.all().filter(({ parentProcess }) => parentProcess === process).length,
    fds: files.size,
    timers: timers.size,
    signals: all.reduce((total, thread) => total + thread.pending.length, waiting),
    'cpu-time': ledger.cpuTime(process),
    cpu: sum('cpu'),
    mutexes: sum('mutexes'),
    memlock: lockedPages * page,
    'file-size': Math.max(0, ...written),
  }
}

const sums: readonly LimitName[] = [
  'channels',
  'server-ids',
  'connections',
  'stack',
  'stack-size',
  'data-pages',
  'memory',
  'address-space',
  'threads',
  'fds',
  'timers',
  'signals',
  'cpu',
  'mutexes',
  'memlock',
]

function countContainer(
  machine: Machine,
  ledger: Ledger,
  container: System | Partition,
  { within, counts }: { within: readonly ModelProcess[]; counts: ReadonlyMap<Node, Counts> },
): Counts {
  const of = (limit: LimitName) => within.map((process) => counts.get(process)![limit]!)
  const total = (limit: LimitName) => of(limit).reduce((sum, count) => sum + count, 0)
  const most = machine.pools.capacity(container, 'memory')
  return {
    ...Object.fromEntries(sums.map((limit) => [limit, total(limit)])),
    processes: within.length,
    'cpu-time': ledger.cpuTime(container),
    'file-size': Math.max(0, ...of('file-size')),
    ...(Number.isFinite(most) && { 'memory-free': Math.max(0, most - total('memory')) }),
  }
}

export function* allContainers(container: System | Partition): Generator<System | Partition> {
  yield container
  for (const partition of container.partitions.values()) yield* allContainers(partition)
}

function isIn(process: ModelProcess, container: System | Partition): boolean {
  for (let at: Partition | System | null = process.container; at !== null; at = at.parent)
    if (at === container) return true
  return false
}

function requestedStack({ name, args }: KernelCall): number | undefined {
  if (name === 'ThreadCreate') return args.stackSize
  return name === 'spawn' ? args.thread?.stackSize : undefined
}
