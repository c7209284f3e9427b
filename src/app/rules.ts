/** Connects the rules to the service: when they are applied again, and what happens to their faults. */

import type { Kernel } from '../kernel/kernel.ts'
import type { RuleSources } from '../rules/rule-files.ts'
import type { RuleSet } from '../rules/rule-set.ts'
import { InvalidRules } from '../tree/errors.ts'

export const noRules: RuleSources = { configFile: null, configKeys: [], directory: null }

/** A state of the model that a client loads has thresholds of its own. The rules apply to it too. */
export function reapplyRules(kernel: Kernel, rules: RuleSet): void {
  kernel.onEvent(({ type }) => {
    if (type === 'state.replaced') queueMicrotask(() => rules.apply())
  })
}

/** The rule set has logged each fault. */
export function reloadOrLog(rules: RuleSet): void {
  try {
    rules.reload()
  } catch (error) {
    if (!(error instanceof InvalidRules)) throw error
  }
}
