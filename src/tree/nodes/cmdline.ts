/** Defines the row `cmdline`: the command line of a process, which may contain secrets. */

import { z } from 'zod'
import { KernelError } from '../../kernel/errno.ts'
import { defineNode } from '../definition.ts'

const CommandLineView = z
  .strictObject({
    path: z.string(),
    pid: z.int(),
    cmdline: z
      .string()
      .nullable()
      .describe(
        'Arguments with a blank between them, cut at 4096 bytes; null if there are none, or if it is not known',
      ),
  })
  .meta({ id: 'CommandLine' })

export const cmdlineDefinitions = [
  defineNode({
    under: ['process'],
    leaf: 'cmdline',
    kind: 'document',
    summary: 'The command line of the process. Needs --show-cmdlines and the role `operate`: it may contain secrets',
    readRole: 'operate',
    reply: CommandLineView,
    read: ({ kernel: { cmdlines } }, { path, pid, cmdline }) => {
      if (cmdlines === null) throw new KernelError('ENOTSUP', 'processes have no command lines here')
      if (!cmdlines.shown)
        throw new KernelError('EPERM', 'command lines are not shown: start the service with --show-cmdlines')
      return { path: `${path}/cmdline`, pid, cmdline }
    },
  }),
]
