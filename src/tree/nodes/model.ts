/** Defines the rows that only the model has: kernel calls, channels, the clock, scenarios, the saved state. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { durationText } from '../../base/duration.ts'
import { assert, KernelError } from '../../kernel/errno.ts'
import { pathSegment } from '../../kernel/nodes/path-segment.ts'
import type { Process } from '../../kernel/nodes/process.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import { kernelCallNamed, kernelCallNames } from '../../model/calls/table.ts'
import { clockEnd } from '../../model/machine.ts'
import type { Channel } from '../../model/objects/channel.ts'
import { ModelProcess } from '../../model/objects/model-process.ts'
import { ModelThread } from '../../model/objects/model-thread.ts'
import { CallBody, callArguments, parseCall } from '../calls.ts'
import { type Model, modelOf } from '../context.ts'
import { defineList, defineNode } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import {
  Advanced,
  CallLineView,
  CallRowView,
  ChannelView,
  ClockView,
  OutcomeView,
  Replaced,
  ScenarioView,
  ThreadCallView,
} from '../model-views.ts'
import { AdvanceBody, advance, moveProcess } from '../operations.ts'
import { timeText } from '../show.ts'
import { StateSchema, saveState } from '../state.ts'

function modelProcess(process: Process): ModelProcess {
  assert(process instanceof ModelProcess, 'all processes of the model are its own')
  return process
}

function showThreadCall(thread: Thread): ThreadCallView {
  assert(thread instanceof ModelThread, 'all threads of the model are its own')
  const { path, blocker, calling, returned, waitsOn } = thread
  const isBlocked = blocker !== null && calling !== null
  return {
    path: `${path}/call`,
    blocked: isBlocked ? { call: kernelCallNamed(calling), state: blocker.state, on: { ...waitsOn } } : null,
    returned: returned && { ...returned, call: kernelCallNamed(returned.call) },
  }
}

function showChannel(channel: Channel): ChannelView {
  const { path, chid, owner, fixedPriority, senders, receivers, pulses, servers } = channel
  const received = [...owner.received.values()].filter(({ connection }) => connection.channel === channel)
  return {
    path,
    chid,
    owner: owner.path,
    fixedPriority,
    send: [...senders].map((thread) => thread.path),
    receive: [...receivers].map((thread) => thread.path),
    reply: received.map(({ rcvid, client, receiver }) => ({
      rcvid,
      client: client.path,
      receiver: receiver?.path ?? null,
    })),
    pulses: pulses.map((pulse) => ({ ...pulse })),
    connections: [...servers.values()].map((server) => ({
      scoid: server.scoid,
      client: server.client.path,
      coids: [...server.client.connections.values()].filter((one) => one.server === server).map(({ coid }) => coid),
    })),
  }
}

function showScenario({ scenarios, machine }: Model): ScenarioView {
  const none = { title: null, met: null, differences: [], calls: 0, events: 0, ranMs: 0 }
  const { ranMs, differences, ...report } = scenarios.last ?? none
  const now = timeText(machine.kernel.now)
  const places = differences.map(({ line, column, message }) => ({ line, column, message }))
  return { path: '/sys/scenario', ...report, differences: places, ran: durationText(ranMs), now }
}

/** @throws KernelError ENOTSUP */
function refuseRealClock({ clock }: Model, reason: string): void {
  if (clock === 'real') throw new KernelError('ENOTSUP', `${reason}: start with --clock virtual`)
}

const MoveBody = z
  .strictObject({
    call: z.literal('move'),
    partition: z.string().describe('Pathname of a partition; /sys means no partition'),
  })
  .meta({ id: 'Move' })

export const modelDefinitions = [
  defineNode({
    under: ['thread'],
    leaf: 'call',
    kind: 'document',
    summary: 'The kernel call that the thread is blocked in, and the result of its last one',
    modelOnly: true,
    reply: ThreadCallView,
    read: (_, thread) => showThreadCall(thread),
    post: {
      summary: 'Make a kernel call, as in {"call":"MsgSend","coid":1}. A call that blocks is answered at once',
      role: 'operate',
      body: CallBody,
      reply: OutcomeView,
      run: ({ context, node: { parent, tid }, body }) => {
        return { status: 200, body: modelOf(context).machine.call(parent.pid, tid, parseCall(body)) }
      },
    },
  }),
  defineNode({
    under: ['process'],
    leaf: 'call',
    kind: 'document',
    summary: 'The operations on a process from outside: move it to another partition',
    modelOnly: true,
    reply: z.strictObject({ path: z.string(), calls: z.array(z.string()) }).meta({ id: 'ProcessCalls' }),
    read: (_, { path }) => ({ path: `${path}/call`, calls: ['move'] }),
    post: {
      summary: 'Move the process, as in {"call":"move","partition":"/sys/part/a"}',
      role: 'operate',
      body: MoveBody,
      reply: OutcomeView,
      run: ({ context, node, body }) => {
        moveProcess(modelOf(context), modelProcess(node), body.partition)
        return { status: 200, body: { returned: {} } }
      },
    },
  }),
  defineList({
    under: ['process'],
    leaf: 'channel',
    kind: 'directory',
    summary: 'The channels of a process',
    modelOnly: true,
    entry: ChannelView,
    columns: [
      { title: 'CHID', align: 'right', cell: ({ chid }) => String(chid) },
      { title: 'SEND', align: 'right', cell: ({ send }) => String(send.length) },
      { title: 'RECEIVE', align: 'right', cell: ({ receive }) => String(receive.length) },
      { title: 'REPLY', align: 'right', cell: ({ reply }) => String(reply.length) },
      { title: 'PULSES', align: 'right', cell: ({ pulses }) => String(pulses.length) },
      { title: 'CONNECTIONS', align: 'right', cell: ({ connections }) => String(connections.length) },
    ],
    children: (_, process) => [...modelProcess(process).channels.values()].sort((a, b) => a.chid - b.chid),
    key: ({ chid }) => chid,
    show: (_, channel) => showChannel(channel),
  }),
  defineNode({
    under: ['process'],
    leaf: 'channel/:chid',
    params: { chid: 'Channel id' },
    kind: 'document',
    summary: 'A channel: its owner, its queues, the connections to it',
    modelOnly: true,
    reply: ChannelView,
    read: (_, process, { chid }) => {
      const channel = /^[1-9]\d*$/.test(chid!) ? modelProcess(process).channels.get(Number(chid)) : undefined
      const parent = `${process.path}/channel`
      if (channel === undefined) throw new NoSuchPath(`${parent}/${pathSegment(chid!)}`, parent)
      return showChannel(channel)
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'calls',
    kind: 'document',
    summary: 'All kernel calls with their arguments',
    modelOnly: true,
    postLines: {
      summary: 'Kernel calls as NDJSON, executed in order: one call a line, one reply a line',
      role: 'operate',
      modelOnly: true,
      example: '{"caller":"/sys/proc/1/thread/1","call":"MsgSend","coid":1}',
      reply: CallLineView,
    },
    entry: CallRowView,
    columns: [
      { title: 'CALL', align: 'left', cell: ({ call }) => call },
      {
        title: 'ARGUMENTS',
        align: 'left',
        cell: ({ arguments: names, required }) =>
          Object.keys(names)
            .map((name) => (required.includes(name) ? name : `[${name}]`))
            .join(' '),
      },
    ],
    children: () => kernelCallNames,
    key: (name) => kernelCallNames.indexOf(name),
    show: (_, call) => {
      const { properties = {}, required = [] } = z.toJSONSchema(callArguments[call], { io: 'input' })
      return { path: '/sys/calls', call, arguments: properties, required }
    },
  }),
  defineNode({
    under: ['system'],
    leaf: 'scenario',
    kind: 'document',
    summary: 'The report of the last scenario that was run',
    modelOnly: true,
    reply: ScenarioView,
    read: (context) => showScenario(modelOf(context)),
    post: {
      summary: 'Run a scenario in this machine to its end. The body is the scenario file',
      role: 'operate',
      yaml: true,
      body: z.string().meta({ id: 'ScenarioFile' }),
      reply: ScenarioView,
      run: ({ context, body: file }) => {
        const model = modelOf(context)
        refuseRealClock(model, 'a scenario sets the time itself')
        model.scenarios.run(file)
        return { status: 200, body: showScenario(model) }
      },
    },
  }),
  defineNode({
    under: ['system'],
    leaf: 'state',
    kind: 'document',
    summary: 'The whole state of the model, to save it, to restore it with PUT, or to start from it with --state',
    modelOnly: true,
    reply: StateSchema,
    read: (context) => saveState(modelOf(context).machine),
    put: {
      summary: 'Replace the state of the model. Open streams stay open and get the event state.replaced',
      role: 'operate',
      modelOnly: true,
      body: StateSchema,
      bodyBytesMax: bounds.stateBodyBytesMax,
      reply: Replaced,
      run: ({ context, body: { path, ...state } }) => {
        const model = modelOf(context)
        refuseRealClock(model, 'a state contains the time')
        model.replace(state)
        const { now, processes } = model.machine.kernel
        return { status: 200, body: { path, now: timeText(now), processes: processes.size } }
      },
    },
  }),
  defineNode({
    under: ['system'],
    leaf: 'clock',
    kind: 'document',
    summary: 'The clock of the model',
    modelOnly: true,
    reply: ClockView,
    read: (context) => {
      const { clock, machine } = modelOf(context)
      const next = machine.nextAt()
      const now = timeText(machine.kernel.now)
      return { path: '/sys/clock', clock, now, next: next === null || next > clockEnd ? null : timeText(next) }
    },
    post: {
      summary:
        'Advance virtual time, as in {"advance":"1s"}. Timers expire in order, each at its own time, at most ' +
        `${bounds.expiriesPerAdvanceMax} of them`,
      role: 'operate',
      body: AdvanceBody,
      reply: Advanced,
      run: ({ context, body }) => ({ status: 200, body: advance(modelOf(context), body) }),
    },
  }),
]
