/**
 * Defines the operations on the model besides kernel calls: create and move processes, create partitions, set pools,
 * and advance the clock. Each operation is one row, which its route and `/sys/calls` share.
 */

import { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Partition } from '../kernel/nodes/partition.ts'
import type { System } from '../kernel/nodes/system.ts'
import { kernelCallNames } from '../model/calls/table.ts'
import type { ModelProcess } from '../model/objects/model-process.ts'
import { poolNames } from '../model/pools.ts'
import { Duration, FirstThread, noSuchCall, parseCall, ThreadMakingBody, threadPath } from './calls.ts'
import type { Model } from './context.ts'
import type { Advanced } from './model-views.ts'
import { timeText } from './show.ts'

const partitionPath = z.string().describe('Pathname of a partition; /sys means no partition')
const pid = z.int().min(1).describe('Process id')

export const PoolSizes = z
  .partialRecord(z.enum(poolNames), z.int().nonnegative().nullable())
  .describe(
    'Capacity of each limit, in its unit; null removes the capacity. A capacity below the current usage refuses only new use',
  )

export const PoolsBody = z.strictObject({ pools: PoolSizes.default({}) }).meta({ id: 'Pools' })

export const ProcessBody = z
  .strictObject({
    name: z.string().min(1).max(bounds.nameMax),
    uid: z.int().nonnegative().exactOptional(),
    parent: pid.exactOptional().describe('pid of the parent process'),
    partition: partitionPath.exactOptional(),
    thread: FirstThread.exactOptional(),
  })
  .meta({ id: 'ProcessMaking' })

export const AdvanceBody = z.strictObject({ advance: Duration }).meta({ id: 'Advance' })

/** Splits the pathname of a partition into names, outermost first; empty for /sys. @throws KernelError EINVAL */
function namesIn(path: string): string[] {
  if (!/^\/sys(\/part\/[^/]+)*$/.test(path)) throw new KernelError('EINVAL', `${path} is no pathname of a partition`)
  const names = path.split('/part/').slice(1)
  if (names.length > bounds.partitionDepthMax)
    throw new KernelError('EINVAL', `at most ${bounds.partitionDepthMax} partitions are inside one another`)
  try {
    return names.map(decodeURIComponent)
  } catch {
    throw new KernelError('EINVAL', `${path} is not percent-encoded UTF-8`)
  }
}

/** @throws KernelError EINVAL, ENOENT */
function containerAt({ machine }: Model, path: string): Partition | System {
  const names = namesIn(path)
  const found = names.length === 0 ? machine.kernel.system : machine.kernel.partition(names)
  if (found === null) throw new KernelError('ENOENT', `there is no partition ${path}`)
  return found
}

export function createProcess(
  model: Model,
  { parent, partition, ...making }: z.output<typeof ProcessBody>,
  within?: Partition | System,
): ModelProcess {
  const { machine } = model
  const container = partition === undefined ? within : containerAt(model, partition)
  return machine.create({
    ...making,
    ...(parent !== undefined && { parent: machine.processes.get(parent) }),
    ...(container !== undefined && { container }),
  })
}

/** @throws KernelError if time follows the wall clock, or the clock ends before the requested time */
export function advance({ machine, clock }: Model, { advance: ms }: z.output<typeof AdvanceBody>): Advanced {
  if (clock === 'real') throw new KernelError('ENOTSUP', 'time follows the wall clock: start with --clock virtual')
  const wanted = machine.kernel.now + ms
  machine.advance(wanted, { expiriesMax: bounds.expiriesPerAdvanceMax })
  const now = timeText(machine.kernel.now)
  return machine.kernel.now === wanted ? { now } : { now, stopped: true, wanted: timeText(wanted) }
}

export function moveProcess(model: Model, process: ModelProcess, path: string): void {
  model.machine.move(process, containerAt(model, path))
}

interface Operation<Body extends z.ZodType> {
  readonly body: Body
  readonly run: (model: Model, body: z.output<Body>) => object
}

function operation<Body extends z.ZodType>(body: Body, run: Operation<Body>['run']) {
  return {
    body,
    run: (model: Model, given: unknown): object => run(model, body.parse(given)),
  }
}

export const operations = {
  create: operation(ProcessBody, (model, body) => {
    const { pid: made, identity } = createProcess(model, body)
    return { pid: made, identity }
  }),
  createThread: operation(ThreadMakingBody.extend({ pid }), ({ machine }, { pid: of, ...making }) => {
    const { tid } = machine.createThread(machine.processes.get(of), making)
    return { tid }
  }),
  move: operation(z.strictObject({ pid, partition: partitionPath }), (model, { pid: of, partition }) => {
    moveProcess(model, model.machine.processes.get(of), partition)
    return {}
  }),
  putPools: operation(PoolsBody, ({ machine }, { pools }) => {
    machine.putPools(pools)
    return {}
  }),
  putPartition: operation(PoolsBody.extend({ partition: z.string() }), (model, { partition, pools }) => {
    const names = namesIn(partition)
    if (names.length === 0) throw new KernelError('EINVAL', '/sys is no partition')
    // The outer partition must exist, so that a typing error in its name creates nothing.
    containerAt(model, partition.slice(0, partition.lastIndexOf('/part/')))
    model.machine.putPartition(names, pools)
    return {}
  }),
  removePartition: operation(z.strictObject({ partition: z.string() }), (model, { partition }) => {
    const container = containerAt(model, partition)
    if (container.level === 'system') throw new KernelError('EINVAL', '/sys is no partition')
    model.machine.removePartition(container)
    return {}
  }),
  advance: operation(AdvanceBody, advance),
} as const

export type OperationName = keyof typeof operations

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name)
}

const callerRule = 'the pathname of the thread that makes the call, as in /sys/proc/1/thread/1'

const Caller = z
  .string(callerRule)
  .regex(threadPath, callerRule)
  .transform((path) => threadPath.exec(path)!.slice(1).map(Number) as [number, number])

const names = [...Object.keys(operations), ...kernelCallNames]
function callRule({ input }: { readonly input?: unknown }) {
  return noSuchCall(input, names)
}

function isCall(name: string): boolean {
  return names.includes(name)
}

const Line = z.looseObject({
  call: z.string({ error: callRule }).refine(isCall, { error: callRule }),
  caller: Caller.exactOptional(),
})
const CallerLine = z.looseObject({ caller: Caller })
const NoCallerLine = z.looseObject({
  caller: z.undefined('there is none: no thread makes this call').exactOptional(),
})

/**
 * Runs one line of `/sys/calls`: an operation, or a kernel call with the thread that makes it.
 * @returns the reply to the line
 * @throws ZodError, KernelError
 */
export function runLine(model: Model, line: unknown): object {
  const { call, caller, ...args } = Line.parse(line)
  if (isOperation(call)) {
    NoCallerLine.parse(line)
    return { returned: operations[call].run(model, args) }
  }
  const made = parseCall({ call, ...args })
  const [pid, tid] = caller ?? CallerLine.parse(line).caller
  return model.machine.call(pid, tid, made)
}
