/** Adds the metrics of the worker threads. */

import { Gauge, type Registry } from 'prom-client'
import { workerHeaps } from '../sources/linux/workers.ts'

/** A worker thread has a heap of its own, which the figures of Node do not include. */
export function addWorkers(registers: Registry[]): void {
  const labelNames = ['worker'] as const
  const gauges = [
    ['introspectd_worker_heap_size_bytes', 'Memory that the heap of each worker thread has', 'totalBytes'],
    ['introspectd_worker_heap_used_bytes', 'Memory in use in the heap of each worker thread', 'usedBytes'],
  ] as const
  for (const [name, help, figure] of gauges) {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      async collect() {
        const heaps = await workerHeaps()
        this.reset()
        for (const heap of heaps) this.set({ worker: heap.worker }, heap[figure])
      },
    })
  }
}
