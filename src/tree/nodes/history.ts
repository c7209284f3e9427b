/** Defines the row `<limit>/history`: how the usage of a limit at a node has changed over time. */

import { durationText } from '../../base/duration.ts'
import type { Interval } from '../../kernel/history/series.ts'
import { amountText } from '../../kernel/limits/amount-text.ts'
import { levels } from '../../kernel/limits/limit-row.ts'
import { limitAt } from '../../kernel/limits/places.ts'
import { limits } from '../../kernel/limits/table.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { parseDuration } from '../../kernel/time/duration.ts'
import type { TreeContext } from '../context.ts'
import { type Column, defineNode } from '../definition.ts'
import { MalformedQuery } from '../errors.ts'
import { HistoryView, type IntervalView } from '../history-views.ts'
import { timeText } from '../show.ts'
import { renderTable } from '../text.ts'

function showInterval({ start, ...values }: Interval): IntervalView {
  return { start: timeText(start), ...values }
}

/** The reason why nothing is recorded at present; null where it is recorded. */
function whyNotRecorded({ kernel, history }: TreeContext, node: Node, index: number): string | null {
  if (history.isRecorded(node, index)) return null
  const unmeasurable = kernel.unmeasurable(limits[index]!, node.level)
  if (unmeasurable !== null) return `the limit cannot be measured here: ${unmeasurable}`
  if (history.options.bytesMax === 0) return 'history is switched off: --history-memory is 0'
  if (history.isFull) return 'the memory for histories is full; --history-memory sets its size'
  return (
    'recorded are the system, partitions, nodes with a threshold on the limit, and the cpu and memory of the ' +
    'processes that use most; set a threshold to have this recorded'
  )
}

/** @returns ms of Unix time @throws MalformedQuery */
function parseSince(since: string, now: number): number {
  const ago = parseDuration(since)
  if (ago !== null) return now - ago
  const time = /^\d{4}-\d\d-\d\dT/.test(since) ? Date.parse(since) : Number.NaN
  if (Number.isNaN(time))
    throw new MalformedQuery('since', 'expected a time such as 2026-01-31T12:00:00Z, or a duration back such as 10m')
  return time
}

function columnsOf(limit: string): readonly Column<IntervalView>[] {
  return [
    { title: 'START', align: 'left', cell: ({ start }) => start },
    { title: 'MINIMUM', align: 'right', cell: ({ minimum }) => amountText(limit, minimum) },
    { title: 'MAXIMUM', align: 'right', cell: ({ maximum }) => amountText(limit, maximum) },
    { title: 'LAST', align: 'right', cell: ({ last }) => amountText(limit, last) },
  ]
}

export const historyDefinitions = [
  defineNode({
    under: levels,
    leaf: ':limit/history',
    kind: 'document',
    summary: 'Past usage of the limit at this node: minimum, maximum and last value of each interval',
    reply: HistoryView,
    takesSince: true,
    prose: ([view]) => {
      const { entries, limit, why } = view!
      const reason = why === undefined ? '' : `Not recorded at present: ${why}.\n`
      if (entries.length === 0) return reason || 'Nothing is recorded yet.\n'
      return `${renderTable(columnsOf(limit), entries)}${reason}`
    },
    read: (context, node, params, { since }) => {
      const { kernel, history } = context
      const index = limitAt(node, params.limit!)!
      const { name, unit } = limits[index]!
      const from = since === null ? 0 : parseSince(since, kernel.now)
      history.note(kernel.now)
      const why = whyNotRecorded(context, node, index)
      return {
        path: `${node.path}/${name}/history`,
        limit: name,
        unit,
        every: durationText(history.options.everyMs),
        keep: durationText(history.options.retentionMs),
        kept: why === null,
        ...(why !== null && { why }),
        entries: (history.of(node, index)?.since(from) ?? []).map(showInterval),
      }
    },
  }),
]
