/** `introspectd rules check`: checks files of rules without a service. */

import { z } from 'zod'
import { printable } from '../base/terminal-text.ts'
import { configKeys } from '../config/settings.ts'
import { checkRulePlaces } from '../rules/rule-files.ts'
import { ruleFaultText } from '../tree/errors.ts'
import { defineCommand } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { print } from './print.ts'

export const rulesCommand = defineCommand({
  name: 'rules',
  summary: 'check files of rules (thresholds and timeouts); the exit code is 1 if one has a fault',
  args: {
    action: z.enum(['check']).describe('check: report every fault with its file and line, without a service'),
    files: z
      .array(z.string())
      .min(1, 'name at least one file or directory')
      .describe('rules files, --config files, or directories of rules files'),
  },
  options: {},
  settings: [],
  examples: ['introspectd rules check deploy/rules.d', 'introspectd rules check introspectd.yaml'],
  run: ({ args: { files }, io }) => {
    const { rules, faults } = checkRulePlaces(files, configKeys)
    if (faults.length > 0) {
      io.stderr.write(faults.map((fault) => `${printable(ruleFaultText(fault))}\n`).join(''))
      io.setExitCode(exitCodes.failed.code)
      return
    }
    const thresholds = rules.filter(({ kind }) => kind === 'threshold').length
    print(io, `${count(thresholds, 'threshold')} and ${count(rules.length - thresholds, 'timeout')}, no faults\n`)
  },
})

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
