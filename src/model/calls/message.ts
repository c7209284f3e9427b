/** Implements the calls which pass synchronous messages, and pulses, which need no reply. */

import { type Errno, KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { Channel, Connection, Message, Payload, Pulse } from '../objects/channel.ts'
import type { ModelProcess } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success, type Value } from './call.ts'
import { channelOf, connectionOf, usable } from './channel.ts'
import { charge, needRoom } from './charging.ts'
import { endService, refreshBorrowers, refreshPriority } from './priority.ts'
import { wake } from './state-changes.ts'
import { checkPriority } from './thread-creation.ts'
import { wait } from './waits.ts'

/**
 * MsgSend: sends a message and waits for the reply. A thread of the server that waits on the channel gets the message
 * at once: of several threads the one with the highest priority, and at equal priority the one that has waited longest.
 * Blocks in SEND until a thread of the server receives it, then in REPLY. QNX: MsgSend().
 * @param coid of a connection
 * @param msg contents, text or a number, which the receiver gets unchanged
 * @returns status and msg of the reply
 * @throws EBADF no such connection, it was detached, or its channel was destroyed before; ESRCH the channel or the
 * server ended meanwhile, or the thread that received the message ended; EINTR a signal was handled; ETIMEDOUT after
 * TimerTimeout; and what MsgError answers
 */
export function msgSend(
  machine: MachineCore,
  thread: ModelThread,
  { coid, msg = null }: { coid: number; msg?: Payload },
): Progress {
  const connection = usable(connectionOf(thread.parent, coid))
  const message: Message = { client: thread, connection, payload: msg, rcvid: 0, receiver: null }
  const receiver = connection.channel.receivers.first
  if (receiver === null) return wait(machine, thread, { state: 'SEND', message })
  const received = handOver(message, receiver)
  wait(machine, thread, { state: 'REPLY', message })
  wake(machine, receiver, { value: received })
  return 'blocked'
}

/**
 * Gives a message to its receiver, which then works at the priority of the message.
 * @returns what MsgReceive returns to the receiver
 */
function handOver(message: Message, receiver: ModelThread): Value {
  const { connection, payload, client } = message
  const { channel, server } = connection
  message.rcvid = channel.owner.ids.rcvid.take()
  message.receiver = receiver
  channel.owner.received.set(message.rcvid, message)
  serveAt(receiver, channel, client.priority, message)
  return {
    rcvid: message.rcvid,
    pid: client.parent.pid,
    tid: client.tid,
    scoid: server.scoid,
    priority: client.priority,
    msg: payload,
  }
}

/** A receiver works at the priority of the message or pulse which it received, higher or lower than its own. */
function serveAt(receiver: ModelThread, channel: Channel, priority: number, message: Message | null): void {
  if (channel.fixedPriority) return
  receiver.servedPriority = priority
  receiver.serving = message
  receiver.receivedOn = channel
  channel.lastReceivers.add(receiver)
  refreshPriority(receiver)
}

function isBefore(pulse: Pulse, { priority, arrival }: ModelThread): boolean {
  return pulse.priority > priority || (pulse.priority === priority && pulse.arrival < arrival)
}

/**
 * MsgReceive: takes the message or pulse of the highest priority that waits at a channel of the caller's process, and
 * at equal priority the one that came first. The caller then works at the priority at which that was sent, until it
 * receives again. Blocks in RECEIVE while there is none. QNX: MsgReceive().
 * @param chid of the channel
 * @returns for a message rcvid (never that of another message), pid, tid, scoid, priority and msg; for a pulse rcvid 0,
 * code, value, scoid, priority and count
 * @throws ESRCH no such channel, or it was destroyed meanwhile; EINTR a signal was handled; ETIMEDOUT after
 * TimerTimeout
 */
export function msgReceive(machine: MachineCore, thread: ModelThread, { chid }: { chid: number }): Progress {
  const channel = channelOf(thread.parent, chid)
  endService(thread)
  const [pulse] = channel.pulses
  const client = channel.senders.first
  if (pulse !== undefined && (client === null || isBefore(pulse, client))) {
    channel.pulses.shift()
    charge(machine, channel.owner, 'signals', -1)
    refreshBorrowers(channel.lastReceivers)
    serveAt(thread, channel, pulse.priority, null)
    return pulseValue(pulse)
  }
  if (client?.blocker?.state !== 'SEND') return wait(machine, thread, { state: 'RECEIVE', channel })
  const { message } = client.blocker
  const received = handOver(message, thread)
  wait(machine, client, { state: 'REPLY', message })
  return received
}

function pulseValue({ code, value, scoid, priority, count }: Omit<Pulse, 'arrival'>): Value {
  return {
    rcvid: 0,
    code,
    value,
    scoid,
    priority,
    count,
  }
}

/** @throws KernelError ESRCH when no client waits for a reply to that rcvid */
function messageOf(process: ModelProcess, rcvid: number): Message {
  const message = process.received.get(rcvid)
  if (message !== undefined) return message
  throw new KernelError('ESRCH', `no client of process ${process.pid} waits for a reply to ${rcvid}`)
}

/**
 * MsgReply: answers a message. Any thread of the process may do so, not only the one that received it. Does not block.
 * QNX: MsgReply().
 * @param rcvid of the message
 * @param status what MsgSend returns, an integer
 * @param msg contents of the reply, text or a number
 * @throws ESRCH nobody waits for a reply to that rcvid
 */
export function msgReply(
  machine: MachineCore,
  { parent }: ModelThread,
  { rcvid, status = 0, msg = null }: { rcvid: number; status?: number; msg?: Payload },
): Progress {
  wake(machine, messageOf(parent, rcvid).client, { value: { status, msg } })
  return success
}

/**
 * MsgError: answers a message with an error, with which the client's MsgSend fails. Does not block. QNX: MsgError().
 * @param rcvid of the message
 * @param error name of an errno
 * @throws ESRCH nobody waits for a reply to that rcvid
 */
export function msgError(
  machine: MachineCore,
  { parent }: ModelThread,
  { rcvid, error }: { rcvid: number; error: Errno },
): Progress {
  wake(machine, messageOf(parent, rcvid).client, { errno: error })
  return success
}

/**
 * MsgSendPulse: sends a pulse. Equal pulses that wait are one entry with a count. A pulse that waits lends its priority
 * to the threads that received last on the channel, as a message does. Does not block. QNX: MsgSendPulse().
 * @param coid of a connection
 * @param code -128 to 127, for the receiver
 * @param value an integer, for the receiver
 * @param priority 1 to 255, above 63 for user 0 only; without it the caller's own, with what is lent to the caller
 * @throws EBADF no such connection, or its channel was destroyed; EAGAIN the receiver has no room for an entry; EPERM
 * the priority is above 63, and the caller is not user 0
 */
export function msgSendPulse(
  machine: MachineCore,
  thread: ModelThread,
  { coid, code, value = 0, priority }: { coid: number; code: number; value?: number; priority?: number },
): Progress {
  const connection = usable(connectionOf(thread.parent, coid))
  if (priority !== undefined) checkPriority(thread.parent.uid, priority)
  sendPulse(machine, connection, { code, value, priority: priority ?? thread.priority })
  return success
}

/** @throws KernelError EAGAIN when the pulse must be queued and there is no room */
export function sendPulse(
  machine: MachineCore,
  { channel, server }: Connection,
  { code, value, priority }: { code: number; value: number; priority: number },
): void {
  const { scoid } = server
  const receiver = channel.receivers.first
  if (receiver !== null) {
    wake(machine, receiver, { value: pulseValue({ priority, code, value, scoid, count: 1 }) })
    serveAt(receiver, channel, priority, null)
    return
  }
  const equal = channel.pulses.find(
    (other) => other.code === code && other.value === value && other.priority === priority && other.scoid === scoid,
  )
  if (equal !== undefined) {
    equal.count++
    return
  }
  needRoom(machine, { limit: 'signals', node: channel.owner, delta: 1 })
  const before = channel.pulses.findLastIndex((other) => other.priority >= priority)
  const arrival = machine.nextArrival()
  channel.pulses.splice(before + 1, 0, { priority, code, value, scoid, count: 1, arrival })
  charge(machine, channel.owner, 'signals', 1)
  refreshBorrowers(channel.lastReceivers)
}
