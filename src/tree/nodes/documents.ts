/** What the service says of itself, and the rlimits of a process. */

import { limitIndex, limits } from '../../kernel/limits/table.ts'
import type { Process } from '../../kernel/objects/process.ts'
import { canonicalStates, threadStateRows } from '../../kernel/states.ts'
import { nearest } from '../../nearest.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import { byPath, showThreshold } from '../show.ts'
import { LimitRowView, type RlimitView as Rlimit, RlimitView, StateView, ThresholdView } from '../views.ts'

/** POSIX names and units. */
const rlimitUnits: Readonly<Record<string, string>> = {
  as: 'bytes',
  core: 'bytes',
  cpu: 'seconds',
  data: 'bytes',
  fsize: 'bytes',
  memlock: 'bytes',
  nofile: 'count',
  nproc: 'count',
  nthr: 'count',
  rss: 'bytes',
  stack: 'bytes',
}

const finite = (value: number): number | 'unlimited' => (Number.isFinite(value) ? value : 'unlimited')

function showRlimit({ path, rlimits }: Process, rlimit: string): Rlimit {
  const there = rlimits?.[rlimit]
  const head = { path: `${path}/rlimit/${rlimit}`, rlimit, unit: rlimitUnits[rlimit]! }
  if (there !== undefined) return { ...head, soft: finite(there.soft), hard: finite(there.hard) }
  const unavailable = rlimits === null ? 'not read, or not to be read' : 'this source has no such rlimit'
  return { ...head, soft: null, hard: null, unavailable }
}

export const documentDefinitions = [
  defineList({
    under: ['process'],
    leaf: 'rlimit',
    kind: 'directory',
    summary: 'The POSIX soft and hard limits of a process',
    entry: RlimitView,
    columns: [
      { title: 'RLIMIT', align: 'left', cell: ({ rlimit }) => rlimit },
      { title: 'SOFT', align: 'right', cell: ({ soft }) => String(soft ?? '-') },
      { title: 'HARD', align: 'right', cell: ({ hard }) => String(hard ?? '-') },
      { title: 'UNIT', align: 'left', cell: ({ unit }) => unit },
    ],
    children: (_, process) => Object.keys(rlimitUnits).map((name) => ({ process, name })),
    key: ({ name }) => name,
    show: (_, { process, name }) => showRlimit(process, name),
  }),
  defineNode({
    under: ['process'],
    leaf: 'rlimit/:rlimit',
    kind: 'document',
    summary: 'One POSIX limit, by its POSIX name and unit',
    reply: RlimitView,
    read: (_, process, { rlimit }) => {
      const parent = `${process.path}/rlimit`
      if (Object.hasOwn(rlimitUnits, rlimit!)) return showRlimit(process, rlimit!)
      const meant = nearest(rlimit!, Object.keys(rlimitUnits))
      throw new NoSuchPath(`${parent}/${encodeURIComponent(rlimit!)}`, parent, meant && `${parent}/${meant}`)
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'states',
    kind: 'document',
    summary: 'All thread states, with the criteria by which those worth a deadlock timer are derived',
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
    summary: 'All limits: what is counted, where, in which unit, and what this source cannot measure',
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
    children: () => limits,
    key: ({ name }) => limitIndex[name],
    show: ({ kernel }, row) => {
      const reason = kernel.unmeasurable(row, row.home)
      const { name, summary, unit, home, adds, errno, rlimit, at } = row
      return {
        path: `/sys/${name}`,
        name,
        summary,
        unit,
        home,
        levels: [...at],
        adds,
        errno,
        rlimit,
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
    summary: 'All thresholds, wherever they are set',
    entry: ThresholdView,
    columns: [
      { title: 'STATE', align: 'left', cell: ({ state }) => state },
      { title: 'AT', align: 'right', cell: ({ at }) => String(at) },
      { title: 'PER', align: 'left', cell: ({ per }) => per ?? '-' },
      { title: 'THRESHOLD', align: 'left', cell: ({ path }) => path },
    ],
    children: ({ kernel }) => [...kernel.notifier.thresholds()].sort(byPath),
    key: ({ path }) => path,
    show: ({ kernel }, threshold) => showThreshold(kernel, threshold),
  }),
]
