/**
 * Defines the second half of the table of limits: what the kernel does for processes and partitions. A rate is the
 * difference of two readings, over the last second.
 */

import { type LimitRow, upFrom } from './limit-row.ts'

/** The rows of pressure stall information differ in their file only. */
function pressure<const Name extends string>(name: Name, { file, awaited }: { file: string; awaited: string }) {
  return {
    name,
    summary: `share of the last second in which some task waited for ${awaited}`,
    unit: 'permille',
    home: 'partition',
    at: upFrom.partition,
    adds: 'read',
    errno: null,
    model: { unavailable: 'the model does not measure pressure' },
    linux: {
      summary: `\`total\` of \`some\` in \`${file}.pressure\` of the cgroup, in \`/proc/pressure/${file}\``,
      from: 'pressure',
      above: { system: 'pressure' },
      onDemand: upFrom.partition,
      changesAtRest: true,
      capacity: { partition: '1000, all of the time', system: '1000, all of the time' },
    },
  } as const
}

export const activityLimits = [
  {
    name: 'swap',
    summary: 'memory that is swapped out',
    unit: 'bytes',
    home: 'process',
    at: upFrom.process,
    adds: 'read',
    errno: null,
    model: { unavailable: 'the model has no swap' },
    linux: {
      summary: '`VmSwap` in `status`; `/proc/meminfo`; `memory.swap.current` or `memory.stat` of the cgroup',
      from: 'status',
      status: { line: 'VmSwap', unit: 'kB' },
      above: { partition: 'swap', system: 'meminfo' },
      onDemand: ['partition'],
      changesAtRest: true,
      capacity: { system: 'all swap; none without any' },
    },
  },
  {
    name: 'page-faults',
    summary: 'page faults a second, minor and major',
    unit: '1/s',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: null,
    model: { unavailable: 'the model has no page faults' },
    linux: { summary: '`/proc/<pid>/stat`, over the last second', from: 'faults', onDemand: upFrom.process },
  },
  {
    name: 'context-switches',
    summary: 'times a second that a thread began to run on a CPU',
    unit: '1/s',
    home: 'thread',
    at: upFrom.thread,
    adds: 'sum',
    errno: null,
    model: { unavailable: 'the model does not count how often a thread runs' },
    linux: { summary: '`schedstat`, over the last second', from: 'switches', onDemand: upFrom.thread },
  },
  {
    name: 'io-read',
    summary: 'bytes a second read from storage',
    unit: 'bytes/s',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: null,
    model: { unavailable: 'the model has no storage' },
    linux: { summary: '`read_bytes` in `/proc/<pid>/io`, over the last second', from: 'io', onDemand: upFrom.process },
  },
  {
    name: 'io-write',
    summary: 'bytes a second written to storage',
    unit: 'bytes/s',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: null,
    model: { unavailable: 'the model has no storage' },
    linux: { summary: '`write_bytes` in `/proc/<pid>/io`, over the last second', from: 'io', onDemand: upFrom.process },
  },
  pressure('pressure-cpu', { file: 'cpu', awaited: 'a CPU' }),
  pressure('pressure-memory', { file: 'memory', awaited: 'memory' }),
  pressure('pressure-io', { file: 'io', awaited: 'storage' }),
  {
    name: 'zombies',
    summary: 'children that ended and were not collected; each has a process id',
    unit: 'count',
    home: 'process',
    at: upFrom.process,
    adds: 'sum',
    errno: null,
    model: { unavailable: 'the model collects each process when it ends' },
    linux: {
      summary: 'state and parent in `stat`',
      from: 'zombies',
      changesAtRest: true,
      capacity: { system: '`threads-max` or `pid_max`, the least' },
    },
  },
  {
    name: 'restarts',
    summary: 'times that the partition was removed and made again since the service started',
    unit: 'count',
    home: 'partition',
    at: upFrom.partition,
    adds: 'read',
    errno: null,
    model: { unavailable: 'the model has no service manager that makes partitions again' },
    linux: {
      summary: 'the inode of the cgroup, as full scans see it; of the system, those of all partitions',
      from: 'restarts',
      above: { system: 'restarts' },
      changesAtRest: true,
    },
  },
] as const satisfies readonly LimitRow[]
