/**
 * Lists the kernel calls by the names which QNX and POSIX give them. A call is one row here, and one row in each of the
 * tables of argument schemas and of results.
 */

import { assert } from '../../kernel/errno.ts'
import { channelCreate, channelDestroy, connectAttach, connectDetach } from './channel.ts'
import { syncCondvarSignal, syncCondvarWait } from './condvar.ts'
import { compute } from './cpu.ts'
import { close, open, write } from './file.ts'
import { enter, leave, mmap, munmap } from './memory.ts'
import { msgError, msgReceive, msgReply, msgSend, msgSendPulse } from './message.ts'
import { syncMutexLock, syncMutexTryLock, syncMutexUnlock } from './mutex.ts'
import { exit, spawn, waitpid } from './process.ts'
import { setrlimit } from './rlimits.ts'
import { syncSemPost, syncSemWait } from './semaphore.ts'
import { kill, signalAction, signalKill, signalProcmask, signalSuspend, signalWaitinfo } from './signal.ts'
import { syncDestroy, syncTypeCreate } from './sync.ts'
import { threadCreate, threadDestroy, threadDetach, threadJoin } from './thread.ts'
import { nanosleep, timerCreate, timerDestroy, timerSettime, timerTimeout } from './timer.ts'

export const kernelCalls = {
  spawn,
  exit,
  waitpid,
  kill,
  setrlimit,
  ThreadCreate: threadCreate,
  ThreadDestroy: threadDestroy,
  ThreadJoin: threadJoin,
  ThreadDetach: threadDetach,
  ChannelCreate: channelCreate,
  ChannelDestroy: channelDestroy,
  ConnectAttach: connectAttach,
  ConnectDetach: connectDetach,
  MsgSend: msgSend,
  MsgReceive: msgReceive,
  MsgReply: msgReply,
  MsgError: msgError,
  MsgSendPulse: msgSendPulse,
  SyncTypeCreate: syncTypeCreate,
  SyncDestroy: syncDestroy,
  SyncMutexLock: syncMutexLock,
  SyncMutexTryLock: syncMutexTryLock,
  SyncMutexUnlock: syncMutexUnlock,
  SyncCondvarWait: syncCondvarWait,
  SyncCondvarSignal: syncCondvarSignal,
  SyncSemWait: syncSemWait,
  SyncSemPost: syncSemPost,
  SignalKill: signalKill,
  SignalAction: signalAction,
  SignalProcmask: signalProcmask,
  SignalWaitinfo: signalWaitinfo,
  SignalSuspend: signalSuspend,
  TimerCreate: timerCreate,
  TimerSettime: timerSettime,
  TimerDestroy: timerDestroy,
  TimerTimeout: timerTimeout,
  nanosleep,
  compute,
  mmap,
  munmap,
  enter,
  leave,
  open,
  close,
  write,
} as const

export type KernelCallName = keyof typeof kernelCalls
export type CallArguments<N extends KernelCallName> = Parameters<(typeof kernelCalls)[N]>[2]

/** A call with its arguments. */
export type KernelCall = {
  [N in KernelCallName]: { readonly name: N; readonly args: CallArguments<N> }
}[KernelCallName]

/** Name of a kernel call, as a thread stores it. */
export function kernelCallNamed(name: string): KernelCallName {
  assert(isKernelCall(name), `there is a call ${name}`)
  return name
}

function isKernelCall(name: string): name is KernelCallName {
  return Object.hasOwn(kernelCalls, name)
}

export const kernelCallNames = Object.keys(kernelCalls) as readonly KernelCallName[]
