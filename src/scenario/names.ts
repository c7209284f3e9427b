/**
 * Resolves names of processes and results in a scenario: `Names` checks them, and `Bindings` holds their values in a
 * run.
 */

import type { Errno } from '../kernel/errno.ts'
import type { KernelCallName } from '../model/calls/table.ts'
import type { ModelProcess } from '../model/objects/model-process.ts'
import type { ModelThread } from '../model/objects/model-thread.ts'
import { callResults } from './call-results.ts'
import type { Path, Problems } from './problems.ts'
import { type Reference, referenceText } from './template.ts'

/** The names in a file. Each name belongs to one process or one result. */
export class Names {
  /** Names of threads, by name of process. */
  readonly processes = new Map<string, readonly string[]>()
  /** Kernel calls, by name of result. */
  readonly results = new Map<string, KernelCallName>()

  addResult(name: string, call: KernelCallName, path: Path, problems: Problems): void {
    if (this.processes.has(name)) problems.add(path, `${name} is a process already; give the result another name`)
    else if (this.results.has(name)) problems.add(path, `${name} is the name of another step already`)
    else this.results.set(name, call)
  }

  /** @returns a message that says what is wrong with the reference; null if it is valid */
  faultOf(reference: Reference): string | null {
    const { name, fields } = reference
    const threads = this.processes.get(name)
    const call = this.results.get(name)
    if (threads !== undefined) return faultOfProcess(reference, threads)
    if (call === undefined) {
      const there = [...this.processes.keys(), ...this.results.keys()].map((known) => `$${known}`)
      return `there is no $${name}; there are ${there.join(', ')}`
    }
    const known: readonly string[] = [...callResults[call], 'errno']
    const [field, ...rest] = fields
    if (field !== undefined && rest.length === 0 && known.includes(field)) return null
    return `there is no ${referenceText(reference)}; ${call} returns ${known.map((one) => `$${name}.${one}`).join(', ')}`
  }
}

function faultOfProcess(reference: Reference, threads: readonly string[]): string | null {
  const [field, inner, ...rest] = reference.fields
  const { name } = reference
  if (field === undefined || (field === 'pid' && inner === undefined)) return null
  const isThread = threads.includes(field) && rest.length === 0 && (inner === undefined || inner === 'tid')
  if (isThread) return null
  const there = ['', '.pid', ...threads.flatMap((thread) => [`.${thread}`, `.${thread}.tid`])]
  return `there is no ${referenceText(reference)}; there are ${there.map((end) => `$${name}${end}`).join(', ')}`
}

/** The fields that a call returned, or `errno` if it failed. */
export type Result = Readonly<Record<string, unknown>> & { readonly errno?: Errno }

/** A process of the file, and its threads by name. */
export interface BoundProcess {
  readonly process: ModelProcess
  readonly threads: ReadonlyMap<string, ModelThread>
}

/** Results of the steps that one thread took, by name. */
export type OwnResults = Map<string, Result>

/** A reference to a missing field of a result: the call failed, or it received a pulse instead of a message. */
export class NoValue extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NoValue'
  }
}

export class Bindings {
  readonly processes = new Map<string, BoundProcess>()
  /** The last result of each step, from any thread. */
  readonly results: OwnResults = new Map()

  bind(name: string, result: Result, own: OwnResults): void {
    own.set(name, result)
    this.results.set(name, result)
  }

  isBound({ name }: Reference): boolean {
    return this.processes.has(name) || this.results.has(name)
  }

  /** A thread's own results take precedence over those of others. Preconditions: the name is bound. @throws NoValue */
  valueOf(reference: Reference, own: OwnResults): unknown {
    const { name, fields } = reference
    const cast = this.processes.get(name)
    if (cast !== undefined) return valueOfProcess(cast, fields)
    const result = own.get(name) ?? this.results.get(name)
    const value = result?.[fields[0]!]
    if (value === undefined)
      throw new NoValue(`there is no ${referenceText(reference)}: it returned ${JSON.stringify(result)}`)
    return value
  }
}

function valueOfProcess({ process, threads }: BoundProcess, [field, inner]: readonly string[]): string | number {
  if (field === undefined) return process.path
  const thread = threads.get(field)
  if (thread === undefined) return process.pid
  return inner === undefined ? thread.path : thread.tid
}
