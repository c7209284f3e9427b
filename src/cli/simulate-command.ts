/** Defines the command `introspectd simulate`. */

import { z } from 'zod'
import { Seed } from '../scenario/file.ts'
import { defineCommand } from './command.ts'

export const simulateCommand = defineCommand({
  name: 'simulate',
  summary: 'run scenarios on the model, each on a fresh machine, and check their expectations',
  args: { files: z.array(z.string()).min(1, 'name at least one scenario file').describe('scenario files') },
  options: {
    seed: Seed.optional().describe('seed of the random choices; overrides the seeds of the files'),
    quiet: z.boolean().default(false).describe('print no events'),
    state: z.string().min(1).optional().describe('state file in which each scenario starts; default: a fresh machine'),
    save: z.string().min(1).optional().describe('file for the final state; allowed with one scenario only'),
  },
  settings: [],
  examples: [
    'introspectd simulate scenarios/two-lock-deadlock.yaml',
    'introspectd simulate --quiet scenarios/*.yaml',
    'introspectd simulate --save deadlocked.json scenarios/two-lock-deadlock.yaml',
  ],
  // Other commands need no model, which is large.
  run: async ({ args: { files }, options: { quiet, ...others }, io }) => {
    const { simulate } = await import('./simulate.ts')
    const given = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined))
    io.setExitCode(await simulate({ files, quiet, ...given }, { events: io.stdout, verdicts: io.stderr }))
  },
})
