/**
 * Recognises thresholds and timeouts that a rules file has set. Their owner is the file and the line, as in
 * `/etc/introspectd/rules.d/web.yaml:12`. Names of tokens do not begin with a slash.
 */

import { OwnedByRule } from './errors.ts'

export interface RulePlace {
  /** Absolute path. */
  readonly file: string
  readonly line: number
}

export function ruleOwner({ file, line }: RulePlace): string {
  return `${file}:${line}`
}

export function isRuleOwner(owner: string | null): owner is string {
  return owner?.startsWith('/') === true
}

/** @throws OwnedByRule if a rule has set the threshold or timeout */
export function refuseRuleOwned(noun: string, existing: { readonly owner: string | null } | null): void {
  if (existing !== null && isRuleOwner(existing.owner)) throw new OwnedByRule(noun, existing.owner)
}
