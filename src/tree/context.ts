/**
 * Defines the parts of the service that a row of the tree may use: the kernel, its history and, on the model, the
 * machine.
 */

import { assert } from '../kernel/errno.ts'
import type { History } from '../kernel/history/history.ts'
import type { Kernel } from '../kernel/kernel.ts'
import type { Machine } from '../model/machine.ts'
import type { MachineState } from '../model/state/state.ts'
import type { RuleFault } from './errors.ts'
import type { RulePlace } from './rule-owner.ts'

/** The result of running one scenario. */
export interface ScenarioReport {
  readonly title: string
  readonly met: boolean
  readonly differences: readonly { readonly line: number; readonly column: number; readonly message: string }[]
  readonly calls: number
  readonly events: number
  readonly ranMs: number
}

/** Runs scenarios in the machine. */
export interface Scenarios {
  /** @throws MalformedFile before anything has changed */
  run(text: string): ScenarioReport
  readonly last: ScenarioReport | null
}

/** The model that clients drive. */
export interface Model {
  readonly scenarios: Scenarios
  readonly machine: Machine
  readonly clock: 'virtual' | 'real'
  /** With `--clock real`, advances the machine to the wall clock. Called before each request that changes something. */
  catchUp(): void
  /** Replaces the machine by one in this state. @throws KernelError EINVAL before anything has changed */
  replace(state: MachineState): void
}

/** The result of reading the rules files. */
export interface RuleReload {
  /** ms of Unix time. */
  readonly at: number
  /** False: a file had faults, and the former rules stayed. */
  readonly ok: boolean
  readonly set: number
  readonly unchanged: number
  readonly removed: number
  readonly refused: number
  readonly faults: readonly RuleFault[]
}

export interface RuleStatus extends RulePlace {
  /** Pathname of the threshold or timeout. */
  readonly path: string
  readonly kind: 'threshold' | 'timeout'
  /** `expired`: its time to live is over. */
  readonly state: 'set' | 'refused' | 'expired'
  /** Why it was refused. */
  readonly reason?: string
}

/** The rules: thresholds and timeouts from files. */
export interface Rules {
  /** In the order of their paths. */
  all(): readonly RuleStatus[]
  readonly size: number
  /** Null: none was applied yet. */
  readonly last: RuleReload | null
  /** @throws InvalidRules before anything has changed */
  reload(): RuleReload
}

export interface TreeContext {
  readonly kernel: Kernel
  /** Name of this machine. */
  readonly host: string
  readonly version: string
  /** Name of the source that feeds the kernel, as in `linux`. */
  readonly source: string
  /** Null on a live machine, which is observed and takes no kernel calls. */
  readonly model: Model | null
  /** Brings the kernel's time up to now. Called before each request that changes something. */
  readonly catchUp: () => void
  readonly history: History
  readonly rules: Rules
}

/** Preconditions: the routes have refused the request where there is no model. */
export function modelOf({ model }: TreeContext): Model {
  assert(model !== null, 'rows of the model are reached on the model only')
  return model
}
