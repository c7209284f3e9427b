/** The four levels, and the directories that list them. */

import type { z } from 'zod'
import { countText, cpuText, sizeText } from '../../kernel/limits/amount-text.ts'
import type { Partition } from '../../kernel/nodes/partition.ts'
import type { Process } from '../../kernel/nodes/process.ts'
import type { System } from '../../kernel/nodes/system.ts'
import { processesWithin } from '../../kernel/nodes/within.ts'
import { ThreadMakingBody } from '../calls.ts'
import { type Column, defineList, defineNode, type TreeContext } from '../definition.ts'
import { createProcess, PoolsBody, ProcessBody } from '../operations.ts'
import { showPartition, showProcess, showThread, showUsage } from '../show.ts'
import { PartitionView, ProcessView, SystemView, ThreadView } from '../views.ts'
import { modelDocuments, systemDocuments } from './names.ts'

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

function namesOf(partition: Partition): string[] {
  const { parent, name } = partition
  return parent.level === 'system' ? [name] : [...namesOf(parent), name]
}

function poolsOf(body: unknown) {
  return (body as z.output<typeof PoolsBody>).pools
}

function statesText(state: ProcessView['state']): string {
  return Object.entries(state)
    .map(([name, count]) => ({ name: name === 'unknown' ? '-' : name, count }))
    .map(({ name, count }) => (count === 1 ? name : `${name}:${count}`))
    .join(' ')
}

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

/** A system call with what it was given needs no names; what the model blocks on does. */
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

function showSystem({ kernel, host, source, version, model }: TreeContext, system: System) {
  return {
    path: system.path,
    node: host,
    source,
    version,
    directories: ['/sys/proc', '/sys/part'],
    documents: [...systemDocuments, ...(model === null ? [] : modelDocuments)].map((name) => `/sys/${name}`),
    usage: showUsage(kernel, system),
  }
}

export const nodeDefinitions = [
  defineNode({
    under: ['system'],
    leaf: '',
    kind: 'node',
    summary: 'This machine',
    reply: SystemView,
    read: (context, system) => showSystem(context, system),
    put: {
      summary: 'Set pools of the whole model: each that is named, as for a partition',
      ofModel: true,
      body: PoolsBody,
      run: (context, system, _, { body }) => {
        context.model!.machine.putPools(poolsOf(body))
        return { status: 200, body: showSystem(context, system as System) }
      },
    },
  }),
  defineNode({
    under: ['partition'],
    leaf: '',
    kind: 'node',
    summary: 'One partition: a cgroup on Linux. Partitions nest: /sys/part/a/part/b',
    reply: PartitionView,
    read: ({ kernel }, partition) => showPartition(kernel, partition),
    put: {
      summary: 'Set pools of a partition of the model, which is made where it is not there',
      ofModel: true,
      body: PoolsBody,
      run: ({ kernel, model }, partition, _, { body }) => {
        const made = model!.machine.putPartition(namesOf(partition as Partition), poolsOf(body))
        return { status: 200, body: showPartition(kernel, made) }
      },
    },
    remove: {
      summary: 'Remove an empty partition of the model',
      ofModel: true,
      run: ({ model }, partition) => {
        model!.machine.removePartition(partition as Partition)
        return { status: 204 }
      },
    },
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
    post: {
      summary: 'Make a process of the model, with one thread',
      ofModel: true,
      body: ProcessBody,
      reply: ProcessView,
      run: ({ kernel, model }, node, _, body) => {
        const process = createProcess(model!, body as z.output<typeof ProcessBody>, node as Partition | System)
        return { status: 201, body: showProcess(kernel, process), location: process.path }
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
    ofNodes: true,
    post: {
      summary: 'Make a thread of the model',
      ofModel: true,
      body: ThreadMakingBody,
      reply: ThreadView,
      run: ({ kernel, model }, process, _, body) => {
        const { machine } = model!
        const owner = machine.processes.get((process as Process).pid)
        const thread = machine.createThread(owner, body as z.output<typeof ThreadMakingBody>)
        return { status: 201, body: showThread(kernel, thread), location: thread.path }
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
    children: (_, node) => [...node.partitions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    key: ({ name }) => name,
    show: ({ kernel }, partition) => showPartition(kernel, partition),
    ofNodes: true,
    create: {
      summary: 'Make a partition of the model',
      ofModel: true,
      body: PoolsBody,
      run: ({ kernel, model }, above, { name }, { body }) => {
        const names = above.level === 'system' ? [name!] : [...namesOf(above as Partition), name!]
        const made = model!.machine.putPartition(names, poolsOf(body))
        return { status: 201, body: showPartition(kernel, made), location: made.path }
      },
    },
  }),
]
