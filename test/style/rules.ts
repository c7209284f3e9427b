/** The lists of house rules that tests hold. */

import { homeRule } from './home-rule.ts'
import { layerRule, runtimeCycleRule, typeCycleRule } from './import-rules.ts'
import { nameRule } from './name-rule.ts'
import { headerRule, lineRule, openerRule, phraseRule, testNameRule } from './prose-rules.ts'
import type { Rule } from './rule.ts'
import { fileSizeRule, functionRule } from './size-rules.ts'

/** Rules for language and size. */
export const proseRules: readonly Rule[] = [
  lineRule,
  openerRule,
  testNameRule,
  nameRule,
  phraseRule,
  headerRule,
  functionRule,
  fileSizeRule,
]

/** Rules for the structure of the program. */
export const structureRules: readonly Rule[] = [layerRule, runtimeCycleRule, typeCycleRule, homeRule]

export const rules: readonly Rule[] = [...proseRules, ...structureRules]
