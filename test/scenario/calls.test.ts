/** Checks that every kernel call can be a step, and that its result has the documented fields. */

import { expect, test } from 'vitest'
import { kernelCallNames } from '../../src/model/calls/table.ts'
import { callResults } from '../../src/scenario/call-results.ts'
import { World } from '../model/world.ts'
import { differences, runText } from './support.ts'

/** Makes each call successfully at least once. */
const tour = `
title: every call
programs:
  child: [{ exit: { status: 3 } }]
  helper: [{ ThreadDestroy: { status: 4 } }]
processes:
  server:
    threads:
      main:
        - ChannelCreate: { fixedPriority: true }
          as: port
        - MsgReceive: { chid: $port.chid }
          as: message
        - MsgReply: { rcvid: $message.rcvid, status: 1, msg: pong }
        - MsgReceive: { chid: $port.chid }
          as: pulse
        - MsgReceive: { chid: $port.chid }
          as: bad-message
        - MsgError: { rcvid: $bad-message.rcvid, error: ENOTSUP }
        - ChannelDestroy: { chid: $port.chid }
  client:
    threads:
      main:
        - ConnectAttach: { pid: $server.pid, chid: $port.chid }
          as: connection
        - MsgSend: { coid: $connection.coid, msg: ping }
        - MsgSendPulse: { coid: $connection.coid, code: 5, value: 6 }
        - MsgSend: { coid: $connection.coid }
          fails: ENOTSUP
        - TimerCreate: { notify: { signal: SIGRTMIN } }
          as: timer
        - TimerSettime: { timerid: $timer.timerid, after: 5ms }
        - SignalProcmask: { how: block, signals: [SIGRTMIN] }
        - SignalWaitinfo: { signals: [SIGRTMIN] }
        - TimerDestroy: { timerid: $timer.timerid }
        - TimerTimeout: { states: [NANOSLEEP], after: 5ms }
        - nanosleep: { for: 1ms }
        - ConnectDetach: { coid: $connection.coid }
  family:
    threads:
      main:
        - spawn: { name: child }
          as: child
          runs: child
        - sleep: 5ms
        - waitpid: { pid: $child.pid }
        - setrlimit: { rlimit: nofile, soft: 200 }
        - ThreadCreate: { name: helper }
          as: helper
          runs: helper
        - ThreadJoin: { tid: $helper.tid }
        - ThreadCreate: {}
          as: other
        - ThreadDetach: { tid: $other.tid }
        - kill: { pid: 0, signal: null }
        - SignalAction: { signal: SIGUSR1, action: handle }
        - SignalKill: { pid: 0, tid: $family.waiting.tid, signal: SIGUSR1 }
      waiting:
        - SignalSuspend: { mask: [] }
          fails: EINTR
  worker:
    threads:
      main:
        - SyncTypeCreate: { name: s, type: semaphore, value: 1 }
        - SyncSemWait: { semaphore: s }
        - SyncSemPost: { semaphore: s }
        - SyncDestroy: { name: s }
        - SyncMutexTryLock: { mutex: m }
        - SyncMutexUnlock: { mutex: m }
        - SyncMutexLock: { mutex: m }
        - SyncCondvarWait: { condvar: c, mutex: m }
        - compute: { us: 10 }
        - mmap: { pages: 2 }
        - munmap: { pages: 2 }
        - enter: { bytes: 64 }
        - leave: { bytes: 64 }
        - open: { path: f, write: true }
          as: file
        - write: { fd: $file.fd, bytes: 10 }
        - close: { fd: $file.fd }
      signalling:
        - sleep: 20ms
        - SyncCondvarSignal: { condvar: c }
`

test('each call returns exactly the fields that names can refer to', () => {
  // SignalSuspend returns only with an errno.
  const fields = new Map<string, Set<string>>([['SignalSuspend', new Set()]])
  const note = (call: string, value: object): void => {
    fields.set(call, new Set([...(fields.get(call) ?? []), ...Object.keys(value)]))
  }
  const world = new World()
  const { machine } = world
  const call = machine.call.bind(machine)
  machine.call = (pid, tid, made) => {
    const outcome = call(pid, tid, made)
    if ('returned' in outcome) note(made.name, outcome.returned)
    return outcome
  }
  machine.onReturn(({ returned }) => {
    if (returned !== null && 'value' in returned) note(returned.call, returned.value)
  })
  expect(differences(runText(tour, world))).toEqual([])
  const sorted = (names: Iterable<string>): string[] => [...names].sort()
  expect(Object.fromEntries([...fields].map(([name, found]) => [name, sorted(found)]))).toEqual(
    Object.fromEntries(kernelCallNames.map((name) => [name, sorted(callResults[name])])),
  )
})
