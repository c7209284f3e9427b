/** What names stand for: before the run, which there are; in the run, what each is. */

import type { Errno } from '../kernel/errno.ts'
import type { KernelCallName } from '../model/calls/table.ts'
import type { ModelProcess } from '../model/objects/model-process.ts'
import type { ModelThread } from '../model/objects/model-thread.ts'
import { callResults } from './call-results.ts'
import type { Path, Problems } from './problems.ts'
import { type Reference, referenceText } from './template.ts'

/** All names of a file. A name stands for one thing. */
export class Names {
  /** Names of the threads of each. */
  readonly processes = new Map<string, readonly string[]>()
  /** The call whose result has the name. */
  readonly results = new Map<string, KernelCallName>()

  addResult(name: string, call: KernelCallName, path: Path, problems: Problems): void {
    if (this.processes.has(name)) problems.add(path, `${name} is a process already; give the result another name`)
    else if (this.results.has(name)) problems.add(path, `${name} is the name of another step already`)
    else this.results.set(name, call)
  }

  /** What is wrong with a reference; null where nothing is. */
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

/** What a call returned, with `errno` where it failed. */
export type Result = Readonly<Record<string, unknown>> & { readonly errno?: Errno }

/** A process of the file, and its threads by name. */
export interface Cast {
  readonly process: ModelProcess
  readonly threads: ReadonlyMap<string, ModelThread>
}

/** What the names of a thread's own steps stand for. */
export type OwnResults = Map<string, Result>

/** A reference to a result that has no such field, since the call failed, or a pulse came for a message. */
export class NoValue extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NoValue'
  }
}

export class Bindings {
  readonly processes = new Map<string, Cast>()
  /** The last result of each step, whoever took it. */
  readonly results: OwnResults = new Map()

  bind(name: string, result: Result, own: OwnResults): void {
    own.set(name, result)
    this.results.set(name, result)
  }

  isBound({ name }: Reference): boolean {
    return this.processes.has(name) || this.results.has(name)
  }

  /** A thread's own results go before those of others. Preconditions: it is bound. @throws NoValue */
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

function valueOfProcess({ process, threads }: Cast, [field, inner]: readonly string[]): string | number {
  if (field === undefined) return process.path
  const thread = threads.get(field)
  if (thread === undefined) return process.pid
  return inner === undefined ? thread.path : thread.tid
}
