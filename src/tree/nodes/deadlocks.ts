/** Defines the rows `/sys/deadlocks` and `/sys/deadlocks/<id>`: the open deadlocks. */

import { type Deadlock, deadlockPath } from '../../kernel/deadlock/deadlock.ts'
import { showWaiting } from '../../kernel/deadlock/member-views.ts'
import type { Kernel } from '../../kernel/kernel.ts'
import { pathSegment } from '../../kernel/nodes/path-segment.ts'
import { threadsWithin } from '../../kernel/nodes/within.ts'
import { DeadlockView } from '../deadlock-views.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import { explain, noneAmong } from '../explain.ts'

const listPath = '/sys/deadlocks'

function showDeadlock({ deadlocks }: Kernel, deadlock: Deadlock): DeadlockView {
  const { id, kind, reasons, since, closing, members } = deadlock
  const victims = deadlocks.victimsOf(deadlock)
  return {
    path: deadlockPath(deadlock),
    id,
    kind,
    ...(reasons.length > 0 && { reason: reasons.join(',') }),
    since: new Date(since).toISOString(),
    closing,
    members: members.map(showWaiting),
    victims: victims.map(showWaiting),
  }
}

/** @param id digits without leading zeros: each deadlock has one pathname @throws NoSuchPath */
function findDeadlock({ deadlocks }: Kernel, id: string): Deadlock {
  const deadlock = /^[1-9]\d{0,15}$/.test(id) ? deadlocks.get(Number(id)) : null
  if (deadlock === null) throw new NoSuchPath(`${listPath}/${pathSegment(id)}`, listPath, null)
  return deadlock
}

export const deadlockDefinitions = [
  defineList({
    under: ['system'],
    leaf: 'deadlocks',
    kind: 'document',
    summary: 'The open deadlocks, orphaned waits and suspicions, the oldest first',
    entry: DeadlockView,
    columns: [
      { title: 'ID', align: 'right', cell: ({ id }) => String(id) },
      { title: 'KIND', align: 'left', cell: ({ kind }) => kind },
      { title: 'SINCE', align: 'left', cell: ({ since }) => since },
      { title: 'MEMBERS', align: 'left', cell: ({ members }) => members.map(({ path }) => path).join(' ') },
    ],
    prose: (views, { kernel }) =>
      views.length === 0 ? noneAmong(threadsWithin(kernel.system)) : views.map(explain).join('\n'),
    incomplete: (kernel) => kernel.whyNoDeadlocks,
    children: ({ kernel }) => kernel.deadlocks.all(),
    key: ({ id }) => id,
    show: ({ kernel }, deadlock) => showDeadlock(kernel, deadlock),
  }),
  defineNode({
    under: ['system'],
    leaf: 'deadlocks/:id',
    params: { id: 'Id of the deadlock' },
    kind: 'document',
    summary: 'One deadlock: its members, its victims, and the change that closed it',
    reply: DeadlockView,
    prose: ([view]) => explain(view!),
    read: ({ kernel }, _, { id }) => showDeadlock(kernel, findDeadlock(kernel, id!)),
  }),
]
