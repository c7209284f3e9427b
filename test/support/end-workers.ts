/**
 * Loaded into a service before it starts: SIGUSR2 terminates its scan worker, and SIGPWR its connector worker.
 * To the service this looks like a crash of the worker.
 */

import { isMainThread, type Worker } from 'node:worker_threads'

const workers: Worker[] = []

if (isMainThread) {
  process.on('worker', (worker) => workers.push(worker))
  process.on('SIGPWR', () => void workers[0]?.terminate())
  process.on('SIGUSR2', () => void workers[1]?.terminate())
}
