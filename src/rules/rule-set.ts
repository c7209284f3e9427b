/**
 * Holds the rules that were read last, and makes the kernel agree with them: sets what is new or changed, and removes
 * what has left the files. Thresholds and timeouts that were set by hand are never touched.
 */

import { sameTimeoutDefinition } from '../kernel/deadlock/default-timeout.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { limitAt } from '../kernel/limits/places.ts'
import { sameDefinition } from '../kernel/limits/thresholds/threshold.ts'
import { checkNames } from '../kernel/limits/thresholds/where-advice.ts'
import { absentPartition, containersOf } from '../kernel/nodes/lookup.ts'
import type { Node } from '../kernel/nodes/node.ts'
import type { RuleReload, RuleStatus, Rules } from '../tree/context.ts'
import { InvalidRules, ruleFaultText } from '../tree/errors.ts'
import { isRuleOwner, ruleOwner } from '../tree/rule-owner.ts'
import type { Rule, ThresholdRule, TimeoutRule } from './rule.ts'
import { type RuleSources, readRules } from './rule-files.ts'

export interface RuleSetOptions {
  /** The present kernel. */
  readonly kernel: () => Kernel
  readonly sources: RuleSources
  readonly logger: RuleLogger
}

interface RuleLogger {
  info(text: string): void
  warn(text: string): void
  error(text: string): void
}

type Change = 'set' | 'unchanged'

/** The system and its partitions, by pathname. A partition that is not there yet gets its rules when it appears. */
type Containers = ReadonlyMap<string, Node>

export class RuleSet implements Rules {
  readonly #options: RuleSetOptions
  #rules: readonly Rule[]
  /** Reasons why rules could not be set, by pathname. */
  readonly #refused = new Map<string, string>()
  #last: RuleReload | null = null

  /** Reads the files for the first time. @throws InvalidRules */
  constructor(options: RuleSetOptions) {
    this.#options = options
    this.#rules = readRules(options.sources)
  }

  get size(): number {
    return this.#rules.length
  }

  get last(): RuleReload | null {
    return this.#last
  }

  /** Reads the files again and applies them. With a fault in any file, nothing changes. @throws InvalidRules */
  reload(): RuleReload {
    const { sources, kernel, logger } = this.#options
    try {
      this.#rules = readRules(sources)
    } catch (error) {
      if (!(error instanceof InvalidRules)) throw error
      const at = kernel().now
      this.#last = {
        at,
        ok: false,
        set: 0,
        unchanged: this.#rules.length,
        removed: 0,
        refused: this.#refused.size,
        faults: error.faults,
      }
      for (const fault of error.faults) logger.error(`the rules were not reloaded: ${ruleFaultText(fault)}`)
      throw error
    }
    return this.apply()
  }

  /** Makes the kernel agree with the rules. Preconditions: what was persisted is restored; no update is under way. */
  apply(): RuleReload {
    const { kernel: current, logger } = this.#options
    const kernel = current()
    const changes = { set: 0, unchanged: 0 }
    this.#refused.clear()
    const removed = kernel.update(kernel.now, () => {
      const gone = this.#removeGone(kernel)
      const containers = containersOf(kernel)
      for (const rule of this.#rules) {
        const change = this.#applyOne(kernel, rule, containers)
        if (change !== null) changes[change]++
      }
      return gone
    })
    for (const rule of this.#rules) {
      const reason = this.#refused.get(rule.path)
      if (reason !== undefined) logger.warn(ruleFaultText({ ...rule, detail: `${rule.path} was not set: ${reason}` }))
    }
    this.#last = { at: kernel.now, ok: true, ...changes, removed, refused: this.#refused.size, faults: [] }
    if (this.#rules.length > 0 || removed > 0)
      logger.info(`rules: ${changes.set} set, ${changes.unchanged} unchanged, ${removed} removed`)
    return this.#last
  }

  all(): RuleStatus[] {
    const kernel = this.#options.kernel()
    const owners = new Map(
      [...kernel.notifier.thresholds(), ...kernel.timers.timeouts()].map(({ path, owner }) => [path, owner]),
    )
    return this.#rules
      .map((rule): RuleStatus => {
        const { path, kind, file, line } = rule
        const reason = this.#refused.get(path)
        if (reason !== undefined) return { path, kind, file, line, state: 'refused', reason }
        const isSet = owners.get(path) === ruleOwner(rule)
        return { path, kind, file, line, state: isSet ? 'set' : 'expired' }
      })
      .sort((one, other) => (one.path < other.path ? -1 : 1))
  }

  /** Removes what rules have set that are not in the files any more. @returns how many */
  #removeGone({ notifier, timers }: Kernel): number {
    const paths = new Set(this.#rules.map(({ path }) => path))
    const isGone = ({ path, owner }: { path: string; owner: string | null }) => isRuleOwner(owner) && !paths.has(path)
    const thresholds = [...notifier.thresholds()].filter(isGone)
    const timeouts = [...timers.timeouts()].filter(isGone)
    for (const threshold of thresholds) notifier.delete(threshold)
    for (const timeout of timeouts) timers.delete(timeout)
    return thresholds.length + timeouts.length
  }

  /** @returns null if the rule was refused */
  #applyOne(kernel: Kernel, rule: Rule, containers: Containers): Change | null {
    try {
      const node = containers.get(rule.node) ?? absentPartition(kernel, rule.node)
      if (node === null) throw new KernelError('ENOENT', `there is no ${rule.node}`)
      return rule.kind === 'threshold' ? applyThreshold(kernel, node, rule) : applyTimeout(kernel, node, rule)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
      this.#refused.set(rule.path, error.message)
      removeFormer(kernel, rule)
      return null
    }
  }
}

/** @throws KernelError */
function applyThreshold(kernel: Kernel, node: Node, rule: ThresholdRule): Change {
  const { notifier } = kernel
  const { definition, limit, name } = rule
  const index = limitAt(node, limit)!
  const existing = notifier.find(node, index, name)
  refuseClash('threshold', existing)
  const owner = ruleOwner(rule)
  const isSame = existing !== null && sameDefinition(existing.definition, definition)
  if (isSame && existing.owner !== owner) notifier.reown(existing, owner)
  // A time to live begins again with each reload, as with each PUT.
  if (isSame && definition.ttl === null) return 'unchanged'
  checkNames(kernel, definition.where)
  notifier.put(node, index, name, { definition, owner })
  return isSame ? 'unchanged' : 'set'
}

/** @throws KernelError */
function applyTimeout({ timers }: Kernel, node: Node, rule: TimeoutRule): Change {
  const existing = timers.find(node)
  refuseClash('timeout', existing)
  const owner = ruleOwner(rule)
  if (existing !== null && sameTimeoutDefinition(existing.definition, rule.definition)) {
    if (existing.owner !== owner) timers.reown(existing, owner)
    return 'unchanged'
  }
  timers.put(node, { definition: rule.definition, owner })
  return 'set'
}

/** The state that the files describe has no such definition, so the former one of the same rule must not stay. */
function removeFormer(kernel: Kernel, rule: Rule): void {
  const { notifier, timers } = kernel
  const former = [...notifier.thresholds()].find(({ path }) => path === rule.path)
  if (former !== undefined && isRuleOwner(former.owner)) notifier.delete(former)
  const timeout = [...timers.timeouts()].find(({ path }) => path === rule.path)
  if (timeout !== undefined && isRuleOwner(timeout.owner)) timers.delete(timeout)
}

/** @throws KernelError if something of the same name was set by hand */
function refuseClash(noun: string, existing: { readonly owner: string | null } | null): void {
  if (existing === null || isRuleOwner(existing.owner)) return
  const by = existing.owner === null ? 'by hand' : `by ${existing.owner}`
  throw new KernelError('EEXIST', `a ${noun} of this name was set ${by}: delete it or rename the rule, then reload`)
}
