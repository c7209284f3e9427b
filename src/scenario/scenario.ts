/**
 * Reads a scenario from the text of its file: partitions, thresholds, processes with the steps of their threads, and
 * expectations.
 */

import type { z } from 'zod'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import { checkDefinition } from '../kernel/limits/thresholds/check-definition.ts'
import type { ThresholdDefinition } from '../kernel/limits/thresholds/threshold.ts'
import type { ThreadMaking } from '../model/calls/thread-creation.ts'
import type { PoolSettings } from '../model/pools.ts'
import { checkThresholdName } from '../tree/threshold-body.ts'
import { type Expectations, parseExpectations } from './expectations.ts'
import { FileBody, type ScenarioProcess, ThreadBody } from './file.ts'
import { type LimitPath, noPartition, type PathContext, parseLimitPath, partitionNames, rowOf } from './limit-path.ts'
import { Names } from './names.ts'
import { type Path, type Place, type Problems, ScenarioError } from './problems.ts'
import { noProgram, parseSteps, type Step, type StepContext } from './steps.ts'
import { parseYaml } from './yaml-text.ts'

export interface PartitionPlan {
  readonly place: Place
  readonly names: readonly string[]
  readonly pools: PoolSettings
}

export interface ThresholdPlan {
  readonly place: Place
  readonly limit: LimitPath
  readonly name: string
  readonly definition: ThresholdDefinition
}

export interface ThreadPlan {
  readonly place: Place
  readonly name: string
  readonly making: ThreadMaking
  readonly steps: readonly Step[]
}

export interface ProcessPlan {
  readonly place: Place
  readonly name: string
  readonly uid: number
  /** Names of its partitions, the outermost first; empty if the process is in no partition. */
  readonly partition: readonly string[]
  /** The first thread is the main thread. */
  readonly threads: readonly [ThreadPlan, ...ThreadPlan[]]
}

export interface Scenario {
  readonly file: string
  readonly title: string
  readonly seed: number
  /** Longest duration of the run. */
  readonly runMs: number
  readonly pools: PoolSettings
  readonly partitions: readonly PartitionPlan[]
  readonly thresholds: readonly ThresholdPlan[]
  readonly programs: ReadonlyMap<string, readonly Step[]>
  readonly processes: readonly ProcessPlan[]
  readonly expect: Expectations
}

/**
 * @param file name of the file, for messages
 * @throws ScenarioError with all problems of the file
 */
export function readScenario(text: string, file: string): Scenario {
  if (Buffer.byteLength(text) > bounds.scenarioBytesMax) {
    const message = `a scenario has at most ${bounds.scenarioBytesMax} bytes`
    throw new ScenarioError(file, [{ line: 1, column: 1, path: [], message }])
  }
  const { value, problems } = parseYaml(text, file)
  const body = problems.check(FileBody, value, { path: [] })
  // References between parts are checked only if each part is valid.
  problems.throwIfAny(file)
  const scenario = { file, ...new Reader(body!, problems).read() }
  problems.throwIfAny(file)
  return scenario
}

type Body = z.output<typeof FileBody>

class Reader {
  readonly #body: Body
  readonly #problems: Problems
  readonly #names = new Names()
  readonly #steps: StepContext
  readonly #paths: PathContext

  constructor(body: Body, problems: Problems) {
    this.#body = body
    this.#problems = problems
    const programs = new Set(Object.keys(body.programs))
    this.#steps = { problems, references: [], names: this.#names, programs }
    this.#paths = { names: this.#names, partitions: new Set(Object.keys(body.partitions).flatMap(withOuter)) }
    for (const [name, { threads }] of Object.entries(body.processes))
      this.#names.processes.set(name, Object.keys(threads))
  }

  read(): Omit<Scenario, 'file'> {
    const { title, seed, run, system, expect } = this.#body
    // Programs and processes define the names, so parts that refer to names are read later.
    const programs = this.#programs()
    const processes = Object.entries(this.#body.processes).map(([name, body]) => this.#process(name, body, programs))
    const scenario = {
      title,
      seed,
      runMs: run,
      pools: system?.pools ?? {},
      partitions: this.#partitions(),
      thresholds: Object.entries(this.#body.thresholds).flatMap(([path, body]) => this.#threshold(path, body) ?? []),
      programs,
      processes,
      expect: parseExpectations(expect, ['expect'], { ...this.#paths, ...this.#steps }),
    }
    for (const reference of this.#steps.references) {
      const fault = this.#names.faultOf(reference)
      if (fault !== null) this.#problems.add(reference.path, fault)
    }
    return scenario
  }

  #programs(): Scenario['programs'] {
    const entries = Object.entries(this.#body.programs)
    return new Map(entries.map(([name, steps]) => [name, parseSteps(steps, ['programs', name], this.#steps)]))
  }

  #partitions(): PartitionPlan[] {
    return Object.entries(this.#body.partitions).map(([name, part]) => ({
      place: this.#problems.locate(['partitions', name], 'key'),
      names: partitionNames(name),
      pools: part?.pools ?? {},
    }))
  }

  #threshold(path: string, definition: ThresholdDefinition): ThresholdPlan | null {
    const [, head, name] = /^(.*)\/threshold\/([^/%]+)$/.exec(path) ?? []
    const at = ['thresholds', path]
    const limit =
      head === undefined
        ? `${path} is not the path of a threshold; one looks like /sys/channels/threshold/hog`
        : parseLimitPath(head, this.#paths)
    if (typeof limit === 'string') {
      this.#problems.add(at, limit, 'key')
      return null
    }
    try {
      checkThresholdName(name!)
      checkDefinition(definition, rowOf(limit), { level: limit.node.level, path: limit.text })
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      if (error.field === null) this.#problems.add(at, error.message, 'key')
      else this.#problems.add([...at, error.field], error.message)
    }
    return { place: this.#problems.locate(at, 'key'), limit, name: name!, definition }
  }

  #process(
    name: string,
    { partition, uid, threads }: z.output<typeof ScenarioProcess>,
    programs: Scenario['programs'],
  ): ProcessPlan {
    const path = ['processes', name]
    if (partition !== undefined && !this.#paths.partitions.has(partition)) {
      this.#problems.add([...path, 'partition'], noPartition(partition, this.#paths.partitions))
    }
    const [main, ...others] = Object.entries(threads).map(([thread, body]) =>
      this.#thread(thread, body, [...path, 'threads', thread], programs),
    )
    if (main!.making.detached)
      this.#problems.add(
        [...path, 'threads', main!.name, 'detached'],
        'the first thread is the main one, which is not detached',
      )
    return {
      place: this.#problems.locate(path, 'key'),
      name,
      uid,
      partition: partition === undefined ? [] : partitionNames(partition),
      threads: [main!, ...others],
    }
  }

  #thread(name: string, value: unknown, path: Path, programs: Scenario['programs']): ThreadPlan {
    const place = this.#problems.locate(path, 'key')
    const isWhole = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (!isWhole) return { place, name, making: { name }, steps: this.#stepsOf(value, path, programs) }
    const { steps = null, ...making } = this.#problems.check(ThreadBody, value, { path }) ?? {}
    return { place, name, making: { ...making, name }, steps: this.#stepsOf(steps, [...path, 'steps'], programs) }
  }

  /** @param value a list of steps, or the name of a program, or null for a thread without steps */
  #stepsOf(value: unknown, path: Path, programs: Scenario['programs']): readonly Step[] {
    if (value === null) return []
    if (typeof value !== 'string') return parseSteps(value, path, this.#steps)
    const program = programs.get(value)
    if (program === undefined) this.#problems.add(path, noProgram(value, this.#steps.programs))
    return program ?? []
  }
}

/** @returns the partition and all that contain it: `net` and `net/inner` for `net/inner` */
function withOuter(name: string): string[] {
  const names = partitionNames(name)
  return names.map((_, depth) => names.slice(0, depth + 1).join('/'))
}
