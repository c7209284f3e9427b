/** The four levels, and the directories that list them. */

import { processesWithin } from '../../kernel/objects/within.ts'
import { type Column, defineList, defineNode } from '../definition.ts'
import { showPartition, showProcess, showThread, showUsage } from '../show.ts'
import { countText, cpuText, sizeText } from '../text.ts'
import { PartitionView, ProcessView, SystemView, ThreadView } from '../views.ts'
import { systemDocuments } from './names.ts'

type Amount = number | null | undefined

const right = <Entry, A extends Amount>(
  title: string,
  by: (entry: Entry) => A,
  text: (amount: A) => string,
): Column<Entry> => ({ title, align: 'right', by, cell: (entry) => text(by(entry)) })
const left = <Entry>(title: string, cell: (entry: Entry) => string): Column<Entry> => ({ title, align: 'left', cell })

const statesText = (state: ProcessView['state']): string =>
  Object.entries(state)
    .map(([name, count]) => ({ name: name === 'unknown' ? '-' : name, count }))
    .map(({ name, count }) => (count === 1 ? name : `${name}:${count}`))
    .join(' ')

export const processColumns: readonly Column<ProcessView>[] = [
  right('PID', ({ pid }) => pid, String),
  left('NAME', ({ name }) => name),
  right('UID', ({ uid }) => uid, countText),
  right('CPU', ({ usage }) => usage.cpu, cpuText),
  right('MEMORY', ({ usage }) => usage.memory, sizeText),
  right('STACK', ({ usage }) => usage.stack, sizeText),
  right('FDS', ({ usage }) => usage.fds, countText),
  right('THREADS', ({ usage }) => usage.threads, countText),
  left('STATES', ({ state }) => statesText(state)),
  left('PARTITION', ({ partition }) => partition?.replace('/sys/part/', '').replaceAll('/part/', '/') ?? '-'),
]

export const threadColumns: readonly Column<ThreadView>[] = [
  right('TID', ({ tid }) => tid, String),
  left('NAME', ({ name }) => name),
  left('STATE', ({ state, certain }) => `${state ?? '-'}${certain === false ? '?' : ''}`),
  left('ON', ({ on }) => (on === undefined ? '-' : Object.values(on).join(' '))),
  right('CPU', ({ usage }) => usage.cpu, cpuText),
  right('STACK', ({ usage }) => usage.stack, sizeText),
  right('OF', ({ usage }) => usage['stack-size'], sizeText),
  left('SINCE', ({ since }) => since),
]

const partitionColumns: readonly Column<PartitionView>[] = [
  left('PARTITION', ({ path }) => path),
  right('PROCESSES', ({ usage }) => usage.processes, countText),
  right('THREADS', ({ usage }) => usage.threads, countText),
  right('CPU', ({ usage }) => usage.cpu, cpuText),
  right('MEMORY', ({ usage }) => usage.memory, sizeText),
  right('FDS', ({ usage }) => usage.fds, countText),
]

export const nodeDefinitions = [
  defineNode({
    under: ['system'],
    leaf: '',
    kind: 'node',
    summary: 'This machine',
    reply: SystemView,
    read: ({ kernel, host, source, version }, system) => ({
      path: system.path,
      node: host,
      source,
      version,
      directories: ['/sys/proc', '/sys/part'],
      documents: systemDocuments.map((name) => `/sys/${name}`),
      usage: showUsage(kernel, system),
    }),
  }),
  defineNode({
    under: ['partition'],
    leaf: '',
    kind: 'node',
    summary: 'One partition: a cgroup on Linux. Partitions nest: /sys/part/a/part/b',
    reply: PartitionView,
    read: ({ kernel }, partition) => showPartition(kernel, partition),
  }),
  defineNode({
    under: ['process'],
    leaf: '',
    kind: 'node',
    summary: 'One process. /sys/proc/self is the service itself',
    reply: ProcessView,
    read: ({ kernel }, process) => showProcess(kernel, process),
  }),
  defineNode({
    under: ['thread'],
    leaf: '',
    kind: 'node',
    summary: 'One thread',
    reply: ThreadView,
    read: ({ kernel }, thread) => showThread(kernel, thread),
  }),
  defineList({
    under: ['system', 'partition'],
    leaf: 'proc',
    kind: 'directory',
    summary: 'The processes there, those of nested partitions included',
    entry: ProcessView,
    columns: processColumns,
    children: (_, node) => [...processesWithin(node)].sort((a, b) => a.pid - b.pid),
    key: ({ pid }) => pid,
    show: ({ kernel }, process) => showProcess(kernel, process),
    ofNodes: true,
  }),
  defineList({
    under: ['process'],
    leaf: 'thread',
    kind: 'directory',
    summary: 'The threads of a process',
    entry: ThreadView,
    columns: threadColumns,
    children: (_, process) => [...process.threads.values()].sort((a, b) => a.tid - b.tid),
    key: ({ tid }) => tid,
    show: ({ kernel }, thread) => showThread(kernel, thread),
    ofNodes: true,
  }),
  defineList({
    under: ['system', 'partition'],
    leaf: 'part',
    kind: 'directory',
    summary: 'The partitions directly below',
    entry: PartitionView,
    columns: partitionColumns,
    children: (_, node) => [...node.partitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    key: ({ name }) => name,
    show: ({ kernel }, partition) => showPartition(kernel, partition),
    ofNodes: true,
  }),
]
