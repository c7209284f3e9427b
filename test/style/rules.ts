/** The list of style rules that the prose test holds. */

import { homeRule } from './home-rule.ts'
import { nameRule } from './name-rule.ts'
import { headerRule, lineRule, openerRule, phraseRule, testNameRule } from './prose-rules.ts'
import type { Rule } from './rule.ts'
import { fileSizeRule, functionRule } from './size-rules.ts'

export const rules: readonly Rule[] = [
  lineRule,
  openerRule,
  testNameRule,
  nameRule,
  phraseRule,
  headerRule,
  functionRule,
  homeRule,
  fileSizeRule,
]
