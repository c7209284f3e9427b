/** Loaded into the service before it starts: SIGUSR2 ends its scan worker, SIGPWR its connector worker, as a crash would. */

import { isMainThread, type Worker } from 'node:worker_threads'

const workers: Worker[] = []

if (isMainThread) {
  process.on('worker', (worker) => workers.push(worker))
  process.on('SIGPWR', () => void workers[0]?.terminate())
  process.on('SIGUSR2', () => void workers[1]?.terminate())
}
