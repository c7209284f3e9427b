/** Defines the rows of the tables at the root: thread states, limits, thresholds and signals. */

import { rlimitOf } from '../../kernel/limits/rlimits.ts'
import { limitIndex, limits } from '../../kernel/limits/table.ts'
import { canonicalStates, threadStateRows } from '../../kernel/states.ts'
import { defineList } from '../definition.ts'
import { byPath, showThreshold } from '../show.ts'
import { atColumn } from '../threshold-columns.ts'
import { ThresholdView } from '../threshold-views.ts'
import { LimitRowView, SignalRowView, StateView } from '../views.ts'

export const documentDefinitions = [
  defineList({
    under: ['system'],
    leaf: 'states',
    kind: 'document',
    summary: 'All thread states, with the criteria that select those worth a deadlock timer',
    entry: StateView,
    columns: [
      { title: 'NO', align: 'right', cell: ({ number }) => String(number) },
      { title: 'STATE', align: 'left', cell: ({ name }) => name },
      { title: 'TRANSIENT', align: 'left', cell: ({ transient }) => (transient ? 'yes' : 'no') },
      { title: 'LEGAL-FOREVER', align: 'left', cell: ({ legalForever }) => (legalForever ? 'yes' : 'no') },
      { title: 'OWNED', align: 'left', cell: ({ owned }) => (owned ? 'yes' : 'no') },
      { title: 'NETWORK', align: 'left', cell: ({ network }) => (network ? 'yes' : 'no') },
      { title: 'CANONICAL', align: 'left', cell: ({ canonical }) => (canonical ? 'yes' : 'no') },
      { title: 'MEANING', align: 'left', cell: ({ summary }) => summary },
    ],
    children: () => threadStateRows,
    key: ({ number }) => number,
    show: (_, row) => ({ ...row, canonical: canonicalStates.includes(row.name) }),
  }),
  defineList({
    under: ['system'],
    leaf: 'limits',
    kind: 'document',
    summary: 'All limits: each with its meaning, unit and levels, and why this source cannot measure it',
    entry: LimitRowView,
    columns: [
      { title: 'LIMIT', align: 'left', cell: ({ name }) => name },
      { title: 'UNIT', align: 'left', cell: ({ unit }) => unit },
      { title: 'HOME', align: 'left', cell: ({ home }) => home },
      { title: 'ADDS', align: 'left', cell: ({ adds }) => adds },
      {
        title: 'SAMPLED',
        align: 'left',
        cell: ({ available, period }) => (available ? (period ?? 'as it happens') : '-'),
      },
      { title: 'MEANING', align: 'left', cell: ({ summary }) => summary },
      { title: 'UNAVAILABLE', align: 'left', cell: ({ reason }) => reason ?? '' },
    ],
    incomplete: (kernel) => kernel.whyNoDeadlocks,
    children: () => limits,
    key: ({ name }) => limitIndex[name],
    show: ({ kernel }, row) => {
      const reason = kernel.unmeasurable(row, row.home)
      const { name, summary, unit, home, adds, errno, at } = row
      return {
        path: `/sys/${name}`,
        name,
        summary,
        unit,
        home,
        levels: [...at],
        adds,
        errno,
        rlimit: rlimitOf(name),
        available: reason === null,
        ...(reason !== null && { reason }),
        period: kernel.period(name, home),
      }
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'thresholds',
    kind: 'document',
    summary: 'The thresholds of all nodes',
    entry: ThresholdView,
    columns: [
      { title: 'STATE', align: 'left', cell: ({ state }) => state },
      atColumn,
      { title: 'PER', align: 'left', cell: ({ per }) => per ?? '-' },
      { title: 'OWNER', align: 'left', cell: ({ owner }) => owner ?? '-' },
      { title: 'THRESHOLD', align: 'left', cell: ({ path }) => path },
    ],
    children: ({ kernel }) => [...kernel.notifier.thresholds()].sort(byPath),
    key: ({ path }) => path,
    show: ({ kernel }, threshold) => showThreshold(kernel, threshold),
  }),
  defineList({
    under: ['system'],
    leaf: 'signal-table',
    kind: 'document',
    summary: 'All signals: whether a limit of the receiver can refuse each of them to its sender, and if not, why',
    entry: SignalRowView,
    columns: [
      { title: 'NO', align: 'right', cell: ({ number }) => String(number) },
      { title: 'SIGNAL', align: 'left', cell: ({ name }) => name },
      { title: 'SENDER-REFUSED', align: 'left', cell: ({ refusable }) => (refusable ? 'yes' : 'no') },
      { title: 'WHY-NOT', align: 'left', cell: ({ why }) => why ?? '' },
    ],
    children: ({ kernel }) => kernel.actionAbilities.signals,
    key: ({ number }) => number,
    show: (_, { number, name, refusable, why }) => ({ number, name, refusable, why }),
  }),
]
