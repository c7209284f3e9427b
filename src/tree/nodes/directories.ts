/**
 * Defines the rows of the directories of nodes: processes, threads and partitions, with the columns of their text
 * forms.
 */

import { countText, percentText, sizeText } from '../../kernel/limits/unit-text.ts'
import { processesWithin } from '../../kernel/nodes/within.ts'
import { ThreadMakingBody } from '../calls.ts'
import { modelOf } from '../context.ts'
import { type Column, defineList } from '../definition.ts'
import { createProcess, PoolsBody, ProcessBody } from '../operations.ts'
import { partitionName } from '../partition-name.ts'
import { showPartition, showProcess, showThread } from '../show.ts'
import { arrangePartitions, arrangeProcesses, isKernelThread } from '../text-lists.ts'
import { PartitionView, ProcessView, ThreadView } from '../views.ts'
import { namesFromRoot } from './levels.ts'

type Amount = number | null | undefined

function right<Entry, A extends Amount>(
  title: string,
  by: (entry: Entry) => A,
  text: (amount: A) => string,
): Column<Entry> {
  return { title, align: 'right', by, cell: (entry) => text(by(entry)) }
}

function left<Entry>(title: string, cell: (entry: Entry) => string): Column<Entry> {
  return { title, align: 'left', cell }
}

function statesText(state: ProcessView['state']): string {
  return Object.entries(state)
    .map(([name, count]) => ({ name: name === 'unknown' ? '-' : name, count }))
    .map(({ name, count }) => (count === 1 ? name : `${name}:${count}`))
    .join(' ')
}

export const processColumns: readonly Column<ProcessView>[] = [
  right('PID', ({ pid }) => pid, String),
  left('NAME', (process) => (isKernelThread(process) ? `[${process.name}]` : process.name)),
  right('UID', ({ uid }) => uid, countText),
  right('%CPU', ({ usage }) => usage.cpu, percentText),
  right('MEMORY', ({ usage }) => usage.memory, sizeText),
  right('STACK', ({ usage }) => usage.stack, sizeText),
  right('FDS', ({ usage }) => usage.fds, countText),
  right('THREADS', ({ usage }) => usage.threads, countText),
  left('STATES', ({ state }) => statesText(state)),
  left('PARTITION', ({ partition }) => (partition === null ? '-' : partitionName(partition))),
]

/** On Linux: the system call and its arguments, which need no names. On the model: names and values. */
function onText(on: NonNullable<ThreadView['on']>): string {
  return Object.entries(on)
    .map(([name, value]) => ('call' in on ? String(value) : `${name}=${value}`))
    .join(' ')
}

export const threadColumns: readonly Column<ThreadView>[] = [
  right('TID', ({ tid }) => tid, String),
  left('NAME', ({ name }) => name),
  left('STATE', ({ state, certain }) => `${state ?? '-'}${certain === false ? '?' : ''}`),
  left('ON', ({ on }) => (on === undefined ? '-' : onText(on))),
  right('%CPU', ({ usage }) => usage.cpu, percentText),
  right('STACK', ({ usage }) => usage.stack, sizeText),
  right('OF', ({ usage }) => usage['stack-size'], sizeText),
  left('SINCE', ({ since }) => since),
]

const partitionColumns: readonly Column<PartitionView>[] = [
  left('PARTITION', ({ path }) => partitionName(path)),
  right('PROCESSES', ({ usage }) => usage.processes, countText),
  right('THREADS', ({ usage }) => usage.threads, countText),
  right('%CPU', ({ usage }) => usage.cpu, percentText),
  right('MEMORY', ({ usage }) => usage.memory, sizeText),
  right('FDS', ({ usage }) => usage.fds, countText),
]

export const directoryDefinitions = [
  defineList({
    under: ['system', 'partition'],
    leaf: 'proc',
    kind: 'directory',
    summary: 'The processes there, including those of nested partitions',
    entry: ProcessView,
    columns: processColumns,
    arrange: arrangeProcesses,
    children: (_, node) => [...processesWithin(node)].sort((a, b) => a.pid - b.pid),
    key: ({ pid }) => pid,
    show: ({ kernel }, process) => showProcess(kernel, process),
    listsNodes: true,
    post: {
      summary: 'Create a process of the model with one thread',
      role: 'operate',
      modelOnly: true,
      body: ProcessBody,
      reply: ProcessView,
      run: ({ context, node: container, body }) => {
        const process = createProcess(modelOf(context), body, container)
        return { status: 201, body: showProcess(context.kernel, process), location: process.path }
      },
    },
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
    listsNodes: true,
    post: {
      summary: 'Create a thread of the model',
      role: 'operate',
      modelOnly: true,
      body: ThreadMakingBody,
      reply: ThreadView,
      run: ({ context, node: process, body }) => {
        const { machine } = modelOf(context)
        const thread = machine.createThread(machine.processes.get(process.pid), body)
        return { status: 201, body: showThread(context.kernel, thread), location: thread.path }
      },
    },
  }),
  defineList({
    under: ['system', 'partition'],
    leaf: 'part',
    kind: 'directory',
    summary: 'The partitions directly below',
    entry: PartitionView,
    columns: partitionColumns,
    arrange: arrangePartitions,
    children: (_, node) => [...node.partitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    key: ({ name }) => name,
    show: ({ kernel }, partition) => showPartition(kernel, partition),
    listsNodes: true,
    create: {
      summary: 'Create a partition of the model',
      role: 'operate',
      modelOnly: true,
      body: PoolsBody,
      run: ({ context, node: container, params: { name }, body: { pools } }) => {
        const names = container.level === 'system' ? [name!] : [...namesFromRoot(container), name!]
        const partition = modelOf(context).machine.putPartition(names, pools)
        return { status: 201, body: showPartition(context.kernel, partition), location: partition.path }
      },
    },
  }),
]
