/** A log of calls on the model, and helpers that save its state and compare the events that follow. */

import type { ModelService } from '../support/model-service.ts'
import type { Watcher } from '../support/service.ts'

export const by = (pid: number, tid: number) => (call: string, args: object) => ({
  caller: `/sys/proc/${pid}/thread/${tid}`,
  call,
  ...args,
})
export const [server, worker, client, third] = [by(1, 1), by(1, 2), by(2, 1), by(3, 1)]

/** A history that contains every kind of wait. */
export const log: readonly object[] = [
  { call: 'putPartition', partition: '/sys/part/a', pools: { channels: 2 } },
  { call: 'create', name: 'server', partition: '/sys/part/a' },
  { call: 'create', name: 'client' },
  { call: 'create', name: 'third' },
  server('ThreadCreate', { name: 'worker', priority: 20 }),
  server('ChannelCreate', {}),
  client('ConnectAttach', { pid: 1, chid: 1 }),
  third('ConnectAttach', { pid: 1, chid: 1 }),
  worker('MsgReceive', { chid: 1 }),
  client('MsgSend', { coid: 1, msg: 'one' }),
  third('TimerTimeout', { states: ['SEND'], after: '2s' }),
  third('MsgSend', { coid: 1, msg: 2 }),
  server('SyncMutexLock', { mutex: '/m', kind: 'recursive' }),
  worker('SyncMutexLock', { mutex: '/m' }),
  server('SignalAction', { signal: 'SIGUSR1', action: 'handle' }),
  server('TimerCreate', { notify: { signal: 'SIGUSR1', value: 7 } }),
  server('TimerSettime', { timerid: 1, after: '500ms', every: '1s' }),
  { call: 'advance', advance: '1s' },
  server('SyncMutexUnlock', { mutex: '/m' }),
  { call: 'advance', advance: '2s' },
  worker('MsgReply', { rcvid: 1, status: 5, msg: 'done' }),
  worker('SyncMutexUnlock', { mutex: '/m' }),
  server('ChannelCreate', {}),
  server('ChannelCreate', {}),
  client('nanosleep', { for: '700ms' }),
  third('compute', { us: 300_000 }),
  third('mmap', { pages: 5 }),
  { call: 'advance', advance: '699ms' },
  worker('ThreadJoin', { tid: 1 }),
  { call: 'putPools', pools: { channels: 3 } },
  { call: 'advance', advance: '1ms' },
  server('ThreadDestroy', { status: 3 }),
  client('SignalKill', { pid: 3, signal: 'SIGTERM' }),
  { call: 'move', pid: 1, partition: '/sys' },
  { call: 'removePartition', partition: '/sys/part/a' },
  { call: 'advance', advance: '5s' },
  worker('exit', { status: 1 }),
]

export const lines = (calls: readonly object[]) => calls.map((call) => JSON.stringify(call)).join('\n')

/** The events as received, without the numbers that count them. */
export const bytes = ({ frames }: Watcher): string[] =>
  frames.map((frame) => frame.replace(/"id":"\d+",/, '').replace(/"sequence":"\d+",/, ''))

export const save = async (from: ModelService): Promise<string> => (await from.fetch('/sys/state')).text()

export async function threshold(at: ModelService): Promise<void> {
  await at.put('/sys/channels/threshold/many', { at: 2, rearm: 1 })
  await at.put('/sys/signals/threshold/each', { at: 1, per: 'process' })
  await at.put('/sys/channels/threshold/share', { at: '75%' })
}
