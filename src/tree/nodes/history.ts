/** How usage of a limit went, at any node of which that is kept. */

import { durationText } from '../../base/duration.ts'
import type { Interval } from '../../kernel/history/series.ts'
import { limitAt } from '../../kernel/limits/places.ts'
import { levels, limits } from '../../kernel/limits/table.ts'
import type { Node } from '../../kernel/nodes/node.ts'
import { parseDuration } from '../../kernel/time/duration.ts'
import { type Column, defineNode, type TreeContext } from '../definition.ts'
import { MalformedQuery } from '../errors.ts'
import { HistoryView, type IntervalView } from '../history-views.ts'
import { renderTable } from '../text.ts'

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

function showInterval({ start, ...values }: Interval): IntervalView {
  return { start: timeText(start), ...values }
}

/** Why nothing is noted of a figure at present; null where it is. */
function whyNot({ kernel, history }: TreeContext, node: Node, index: number): string | null {
  if (history.isRecorded(node, index)) return null
  const unmeasurable = kernel.unmeasurable(limits[index]!, node.level)
  if (unmeasurable !== null) return `the limit cannot be measured here: ${unmeasurable}`
  if (history.options.bytesMax === 0) return 'history is switched off: --history-memory is 0'
  if (history.isFull) return 'no room is left for it: --history-memory says how much there is'
  return 'kept of the system, of partitions, of nodes with a threshold on the limit, and of the cpu and memory of processes that use most: set a threshold to have it kept'
}

/** ms of Unix time. @throws MalformedQuery */
function timeOf(since: string, now: number): number {
  const ago = parseDuration(since)
  if (ago !== null) return now - ago
  const time = /^\d{4}-\d\d-\d\dT/.test(since) ? Date.parse(since) : Number.NaN
  if (Number.isNaN(time))
    throw new MalformedQuery('since', 'a time such as 2026-01-31T12:00:00Z, or how long ago, such as 10m')
  return time
}

const columns: readonly Column<IntervalView>[] = [
  { title: 'START', align: 'left', cell: ({ start }) => start },
  { title: 'MINIMUM', align: 'right', cell: ({ minimum }) => String(minimum ?? '-') },
  { title: 'MAXIMUM', align: 'right', cell: ({ maximum }) => String(maximum ?? '-') },
  { title: 'LAST', align: 'right', cell: ({ last }) => String(last ?? '-') },
]

export const historyDefinitions = [
  defineNode({
    under: levels,
    leaf: ':limit/history',
    kind: 'document',
    summary: 'How usage of the limit went at this node: least, greatest and last value of each interval',
    reply: HistoryView,
    takesSince: true,
    prose: ([view]) => {
      const { entries, why } = view!
      const reason = why === undefined ? '' : `Not noted at present: ${why}.\n`
      return entries.length === 0 ? reason || 'Nothing is noted yet.\n' : `${renderTable(columns, entries)}${reason}`
    },
    read: (context, node, params, { since }) => {
      const { kernel, history } = context
      const index = limitAt(node, params.limit!)!
      const { name, unit } = limits[index]!
      const from = since === null ? 0 : timeOf(since, kernel.now)
      history.note(kernel.now)
      const why = whyNot(context, node, index)
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
