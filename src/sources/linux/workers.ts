/** Starts the worker threads of the live source. Runs on the main thread. */

import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { ConnectorMessage, ScanCommand, ScanMessage, ScanOptions } from './protocol.ts'

type OnFailure = (error: Error) => void

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const stopMsMax = 2000
const restartAfterMs = 1000

/** The workers that run, with their names. */
const running = new Map<Worker, string>()

export interface WorkerHeap {
  readonly worker: string
  readonly usedBytes: number
  readonly totalBytes: number
}

/** Heaps of the workers that run. A worker that ends meanwhile is left out. */
export async function workerHeaps(): Promise<WorkerHeap[]> {
  const heaps = [...running].map(async ([thread, worker]) => {
    const { used_heap_size: usedBytes, total_heap_size: totalBytes } = await thread.getHeapStatistics()
    return { worker, usedBytes, totalBytes }
  })
  const settled = await Promise.allSettled(heaps)
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

function startWorker<Message>(
  file: string,
  workerData: Partial<ScanOptions>,
  onMessage: (message: Message) => void,
  onFailure: OnFailure,
  mayEnd: (message: Message) => boolean,
): { readonly worker: Worker; readonly stop: () => Promise<void> } {
  const name = file.replace(/^.*\//, '')
  const worker = new Worker(new URL(`./${file}.${extension}`, import.meta.url), { workerData, name })
  running.set(worker, name)
  worker.once('exit', () => running.delete(worker))
  let endIsExpected = false
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  worker.on('message', (message: Message) => {
    if (mayEnd(message)) endIsExpected = true
    onMessage(message)
  })
  worker.on('error', (error) => {
    if (!endIsExpected) onFailure(error instanceof Error ? error : new Error(String(error)))
    endIsExpected = true
  })
  worker.on('exit', (code) => {
    if (!endIsExpected) onFailure(new Error(`${name} ended unexpectedly with code ${code}`))
    endIsExpected = true
  })
  const stop = async (): Promise<void> => {
    endIsExpected = true
    worker.postMessage({ type: 'stop' } satisfies ScanCommand)
    const timer = setTimeout(() => void worker.terminate(), stopMsMax)
    await ended
    clearTimeout(timer)
  }
  return { worker, stop }
}

/** After `refused` the worker ends by itself. `onFailure` is called for every other end that was not requested. */
export function startConnector(
  options: Pick<ScanOptions, 'clockOffset'>,
  onMessage: (message: ConnectorMessage) => void,
  onFailure: OnFailure,
): { stop(): Promise<void> } {
  const { stop } = startWorker(
    'processes/connector-worker',
    options,
    onMessage,
    onFailure,
    ({ type }) => type === 'refused',
  )
  return { stop }
}

export function startScanner(
  options: ScanOptions,
  onMessage: (message: ScanMessage) => void,
  onFailure: OnFailure,
): { send(command: ScanCommand): void; stop(): Promise<void> } {
  const { worker, stop } = startWorker('scan/scan-worker', options, onMessage, onFailure, () => false)
  return { send: (command) => worker.postMessage(command), stop }
}

/** Calls `start` again after a pause, unless the source is stopping by then. */
export function restartLater(start: () => void, isStopping: () => boolean): void {
  void delay(restartAfterMs, null, { ref: false }).then(() => {
    if (!isStopping()) return start()
  })
}
