/** Defines the row `/sys/proc/<pid>/signal`: sending signals to a process. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { operate } from '../../kernel/operate.ts'
import { defineNode } from '../definition.ts'
import { SentView, SignalsView } from '../views.ts'

const SignalBody = z
  .strictObject({ signal: z.string().max(bounds.nameMax).describe('Name of the signal, as in SIGTERM or SIGRTMIN+1') })
  .meta({ id: 'SignalSending' })

export const actionDefinitions = [
  defineNode({
    under: ['process'],
    leaf: 'signal',
    kind: 'document',
    summary: 'The signals that can be sent to a process, or why none can',
    reply: SignalsView,
    read: ({ kernel: { actionAbilities } }, { path }) => ({
      path: `${path}/signal`,
      signals: actionAbilities.signals.map(({ name }) => name),
      refused: actionAbilities.noActing?.reason ?? null,
    }),
    post: {
      summary: 'Send a signal, as in {"signal":"SIGTERM"}. A live machine needs --allow-actions',
      role: 'operate',
      body: SignalBody,
      reply: SentView,
      run: ({ context, node: process, body: { signal } }) => {
        const { pid, identity, path } = process
        operate(context.kernel, 'signal', (actions) => actions.signal(process, signal))
        return { status: 200, body: { path: `${path}/signal`, signal, pid, identity } }
      },
    },
  }),
]
