/** What only the model has: kernel calls, channels, the clock. On a live machine these rows are refused. */

import { z } from 'zod'
import { bounds } from '../../base/bounds.ts'
import { durationText } from '../../base/duration.ts'
import { assert, KernelError } from '../../kernel/errno.ts'
import type { Process } from '../../kernel/nodes/process.ts'
import type { Thread } from '../../kernel/nodes/thread.ts'
import { kernelCallNamed, kernelCallNames } from '../../model/calls/table.ts'
import { clockEnd } from '../../model/machine.ts'
import type { Channel } from '../../model/objects/channel.ts'
import { ModelProcess } from '../../model/objects/model-process.ts'
import { ModelThread } from '../../model/objects/model-thread.ts'
import { CallBody, callArguments, parseCall } from '../calls.ts'
import { defineList, defineNode, type Model, type TreeContext } from '../definition.ts'
import { NoSuchPath } from '../errors.ts'
import {
  Advanced,
  CallRowView,
  type ChannelView as ChannelShown,
  ChannelView,
  ClockView,
  OutcomeView,
  Replaced,
  type ScenarioView as ScenarioShown,
  ScenarioView,
  type ThreadCallView as ThreadCallShown,
  ThreadCallView,
} from '../model-views.ts'
import { AdvanceBody, advance, moveProcess } from '../operations.ts'
import { timeText } from '../show.ts'
import { StateSchema, saveState } from '../state.ts'

/** Preconditions: routes let nobody here where there is no model. */
function modelOf({ model }: TreeContext): Model {
  assert(model !== null, 'rows of the model are reached on the model only')
  return model
}

function modelProcess(process: Process): ModelProcess {
  assert(process instanceof ModelProcess, 'all processes of the model are its own')
  return process
}

function showThreadCall(thread: Thread): ThreadCallShown {
  assert(thread instanceof ModelThread, 'all threads of the model are its own')
  const { path, blocker, calling, returned, waitsOn } = thread
  const isBlocked = blocker !== null && calling !== null
  return {
    path: `${path}/call`,
    blocked: isBlocked ? { call: kernelCallNamed(calling), state: blocker.state, on: { ...waitsOn } } : null,
    returned: returned && { ...returned, call: kernelCallNamed(returned.call) },
  }
}

function showChannel(channel: Channel): ChannelShown {
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

function showScenario({ scenarios, machine }: Model): ScenarioShown {
  const none = { title: null, met: null, differences: [], calls: 0, events: 0, ranMs: 0 }
  const { ranMs, differences, ...report } = scenarios.last ?? none
  const now = timeText(machine.kernel.now)
  const places = differences.map(({ line, column, message }) => ({ line, column, message }))
  return { path: '/sys/scenario', ...report, differences: places, ran: durationText(ranMs), now }
}

const MoveBody = z
  .strictObject({
    call: z.literal('move'),
    partition: z.string().describe('Pathname of a partition, or /sys for none'),
  })
  .meta({ id: 'Move' })

export const modelDefinitions = [
  defineNode({
    under: ['thread'],
    leaf: 'call',
    kind: 'document',
    summary: 'The kernel call that the thread is blocked in, and what the last one returned',
    ofModel: true,
    reply: ThreadCallView,
    read: (_, thread) => showThreadCall(thread),
    post: {
      summary: 'Make a kernel call, as in {"call":"MsgSend","coid":1}. One that blocks is answered at once',
      body: CallBody,
      reply: OutcomeView,
      run: (context, node, _, body) => {
        const { parent, tid } = node as Thread
        return { status: 200, body: modelOf(context).machine.call(parent.pid, tid, parseCall(body)) }
      },
    },
  }),
  defineNode({
    under: ['process'],
    leaf: 'call',
    kind: 'document',
    summary: 'What can be done to a process from outside: move it to another partition',
    ofModel: true,
    reply: z.strictObject({ path: z.string(), calls: z.array(z.string()) }).meta({ id: 'ProcessCalls' }),
    read: (_, { path }) => ({ path: `${path}/call`, calls: ['move'] }),
    post: {
      summary: 'Move the process, as in {"call":"move","partition":"/sys/part/a"}',
      body: MoveBody,
      reply: OutcomeView,
      run: (context, node, _, body) => {
        moveProcess(modelOf(context), modelProcess(node as Process), (body as z.output<typeof MoveBody>).partition)
        return { status: 200, body: { returned: {} } }
      },
    },
  }),
  defineList({
    under: ['process'],
    leaf: 'channel',
    kind: 'directory',
    summary: 'The channels of a process',
    ofModel: true,
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
    kind: 'document',
    summary: 'A channel: its owner, its queues, the connections to it',
    ofModel: true,
    reply: ChannelView,
    read: (_, process, { chid }) => {
      const channel = /^[1-9]\d*$/.test(chid!) ? modelProcess(process).channels.get(Number(chid)) : undefined
      const parent = `${process.path}/channel`
      if (channel === undefined) throw new NoSuchPath(`${parent}/${encodeURIComponent(chid!)}`, parent)
      return showChannel(channel)
    },
  }),
  defineList({
    under: ['system'],
    leaf: 'calls',
    kind: 'document',
    summary: 'All kernel calls with their arguments. POST takes NDJSON, a call a line, and answers a line each',
    ofModel: true,
    postsApart: true,
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
      const schema = z.toJSONSchema(callArguments[call], { io: 'input' }) as {
        properties?: Record<string, unknown>
        required?: string[]
      }
      return { path: '/sys/calls', call, arguments: schema.properties ?? {}, required: schema.required ?? [] }
    },
  }),
  defineNode({
    under: ['system'],
    leaf: 'scenario',
    kind: 'document',
    summary: 'What came of the last scenario that was run',
    ofModel: true,
    reply: ScenarioView,
    read: (context) => showScenario(modelOf(context)),
    post: {
      summary: 'Run a scenario in this machine, to its end. The body is its file',
      yaml: true,
      body: z.string().meta({ id: 'ScenarioFile' }),
      reply: ScenarioView,
      run: (context, _, __, body) => {
        const model = modelOf(context)
        if (model.clock === 'real')
          throw new KernelError('ENOTSUP', 'a scenario has a time of its own: start with --clock virtual')
        model.scenarios.run(body as string)
        return { status: 200, body: showScenario(model) }
      },
    },
  }),
  defineNode({
    under: ['system'],
    leaf: 'state',
    kind: 'document',
    summary: 'The whole state of the model, to be kept, put back, or begun from with --state',
    ofModel: true,
    reply: StateSchema,
    read: (context) => saveState(modelOf(context).machine),
    put: {
      summary: 'Put the model into this state. What listens to it goes on listening, and is told state.replaced',
      ofModel: true,
      body: StateSchema,
      bodyBytesMax: bounds.stateBodyBytesMax,
      reply: Replaced,
      run: (context, _, __, { body }) => {
        const model = modelOf(context)
        if (model.clock === 'real')
          throw new KernelError('ENOTSUP', 'a state has a time of its own: start with --clock virtual')
        const { path, ...state } = body as z.output<typeof StateSchema>
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
    ofModel: true,
    reply: ClockView,
    read: (context) => {
      const { clock, machine } = modelOf(context)
      const next = machine.nextAt()
      const now = timeText(machine.kernel.now)
      return { path: '/sys/clock', clock, now, next: next === null || next > clockEnd ? null : timeText(next) }
    },
    post: {
      summary: `Let virtual time pass, as in {"advance":"1s"}: timers expire in order, each at its own time, ${bounds.expiriesPerAdvanceMax} at the most`,
      body: AdvanceBody,
      reply: Advanced,
      run: (context, _, __, body) => ({
        status: 200,
        body: advance(modelOf(context), body as z.output<typeof AdvanceBody>),
      }),
    },
  }),
]
