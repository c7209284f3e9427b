/** Sorts the test files into four tiers, by how long they take and what they need. */

import { globSync } from 'node:fs'

/**
 * The tier of each test file: the first row that matches it, else `unit`.
 * `npm test` runs unit, process and machine. `npm run test:all` runs soak too.
 * A file with quick and slow tests is split, and the slow part gets a row in `soak`.
 */
export const tiers = {
  /** Slow: long runs, floods, explorations, whole installations, the slow part of `machine`. One file at a time. */
  soak: [
    'test/cli/{shells,top}.test.ts',
    'test/client/browser.test.ts',
    'test/client/generated/*.test.ts',
    'test/deploy/{dockerfile,haproxy,kubernetes,proxies,release,socket-activation,systemd}.test.ts',
    'test/faults/{closing,clock,descriptors,disk,directory,event-loop}.test.ts',
    'test/faults/kill/kills.test.ts',
    'test/http/{fuzz-model,fuzz-raw,hostile,million-threads,model-turns,state-continued}.test.ts',
    'test/journal/{definitions,restart}.test.ts',
    'test/model/{many-threads,model-properties}.test.ts',
    'test/kernel/deadlock/{exploration,random-runs}.test.ts',
    'test/model/state/wrong-states.test.ts',
    'test/live/{access,actions,bulk,c-libraries,capabilities,cgroup-limits,clocks,denials,fallbacks,flock}.test.ts',
    'test/live/{floods,half-open,hardening,hidden-processes,hung-mount,partitions,pid-namespace,prometheus}.test.ts',
    'test/live/{replaced-files,signals-and-files,sockets,stress}.test.ts',
    'test/{examples,left-running,package}.test.ts',
    'test/live/commands.test.ts',
    'test/reactions/{alertmanager,tls,webhooks}.test.ts',
    'test/rules/live.test.ts',
    'test/runtime/supervisor.test.ts',
    'test/sources/linux/locks/lock-watch.test.ts',
    'test/stream/{parking,thousand}.test.ts',
  ],
  /** Needs the whole machine, loads it or is timed by it. One file at a time. */
  machine: [
    'test/live/**/*.test.ts',
    'test/sources/linux/locks/settled-locks.test.ts',
    'test/sources/linux/processes/connector-worker.test.ts',
    'test/sources/linux/scan/{scan-as-other,scan-worker}.test.ts',
  ],
  /** Starts programs. Two files at a time. */
  process: [
    'test/app/{listening,log,platform,start}.test.ts',
    'test/{architecture,docs,meeting}.test.ts',
    'test/cli/{commands,journal,output,simulate,watch}.test.ts',
    'test/client/{service,typed}.test.ts',
    'test/http/{contract,metrics-format,tls}.test.ts',
    'test/journal/durable.test.ts',
    'test/runtime/young-generation.test.ts',
    'test/tools/run.test.ts',
    'test/sources/linux/native/{id-exists,proc-files}.test.ts',
    'test/sources/linux/scan/stack-reader.test.ts',
  ],
} as const satisfies Record<string, readonly string[]>

/** Paths of test files are relative to `root`. */
export function tierOf(file: string, root: string): string {
  const row = Object.entries(tiers).find(([, patterns]) => globSync([...patterns], { cwd: root }).includes(file))
  return row?.[0] ?? 'unit'
}
