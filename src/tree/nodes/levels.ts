/** Defines the rows of the nodes themselves, one for each level: /sys, a partition, a process and a thread. */

import type { Partition } from '../../kernel/nodes/partition.ts'
import type { System } from '../../kernel/nodes/system.ts'
import { modelOf, type TreeContext } from '../context.ts'
import { type Definition, defineNode } from '../definition.ts'
import { PoolsBody } from '../operations.ts'
import { showPartition, showProcess, showThread, showUsage } from '../show.ts'
import { PartitionView, ProcessView, SystemView, ThreadView } from '../views.ts'

/** The names of a partition and those around it, from the outermost in. */
export function namesFromRoot({ parent, name }: Partition): string[] {
  return parent.level === 'system' ? [name] : [...namesFromRoot(parent), name]
}

/** The rows that `/sys` lists: the documents there, or the directories. */
function listedAtRoot(rows: readonly Definition[], kind: 'document' | 'directory', hasModel: boolean): string[] {
  return rows
    .filter((row) => row.kind === kind && row.under.includes('system') && (hasModel || !row.modelOnly))
    .filter(({ leaf }) => /^[a-z-]+$/.test(leaf))
    .map(({ leaf }) => `/sys/${leaf}`)
}

/** @param rows all other rows of the tree: `/sys` lists those that are directly below it */
function systemDefinition(rows: readonly Definition[]): Definition {
  function showSystem({ kernel, host, source, version, model }: TreeContext, system: System) {
    return {
      path: system.path,
      node: host,
      source,
      version,
      directories: listedAtRoot(rows, 'directory', model !== null),
      documents: listedAtRoot(rows, 'document', model !== null),
      usage: showUsage(kernel, system),
    }
  }
  return defineNode({
    under: ['system'],
    leaf: '',
    kind: 'node',
    summary: 'This machine',
    reply: SystemView,
    read: (context, system) => showSystem(context, system),
    put: {
      summary: 'Set pools of the whole model; a limit that is not named is unchanged',
      role: 'operate',
      modelOnly: true,
      body: PoolsBody,
      run: ({ context, node: system, body: { pools } }) => {
        modelOf(context).machine.putPools(pools)
        return { status: 200, body: showSystem(context, system) }
      },
    },
  })
}

const otherLevels = [
  defineNode({
    under: ['partition'],
    leaf: '',
    kind: 'node',
    summary: 'One partition: a cgroup on Linux. Partitions nest: /sys/part/a/part/b',
    reply: PartitionView,
    read: ({ kernel }, partition) => showPartition(kernel, partition),
    put: {
      summary: 'Set pools of a partition of the model, which is created if it does not exist',
      role: 'operate',
      modelOnly: true,
      body: PoolsBody,
      run: ({ context, node: partition, body: { pools } }) => {
        const changed = modelOf(context).machine.putPartition(namesFromRoot(partition), pools)
        return { status: 200, body: showPartition(context.kernel, changed) }
      },
    },
    remove: {
      summary: 'Remove an empty partition of the model',
      role: 'operate',
      modelOnly: true,
      run: ({ context, node: partition }) => {
        modelOf(context).machine.removePartition(partition)
        return { status: 204 }
      },
    },
  }),
  defineNode({
    under: ['process'],
    leaf: '',
    kind: 'node',
    summary: 'One process. /sys/proc/self is introspectd itself',
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
]

/** @param rows all other rows of the tree */
export function levelDefinitions(rows: readonly Definition[]): readonly Definition[] {
  return [systemDefinition(rows), ...otherLevels]
}
