/**
 * Measures the round trip of `model-calls` through `/sys/calls` of a real service, compared with a server that only
 * echoes lines.
 */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Live } from '../../test/support/live.ts'
import { type Figures, interleave, type Measure } from '../measure.ts'

const trips = 20_000
const rounds = 5
const echo = new URL('../programs/echo-lines.ts', import.meta.url).pathname

const calling = (caller: string, call: string, args: object) => JSON.stringify({ caller, call, ...args })
const client = '/sys/proc/1/thread/1'
const server = '/sys/proc/2/thread/1'

const opening = [
  '{"call":"create","name":"client"}',
  '{"call":"create","name":"server"}',
  calling(server, 'ChannelCreate', {}),
  calling(client, 'ConnectAttach', { pid: 2, chid: 1 }),
]

/** Lines of one round trip. The model assigns rcvids in order from 1 and never reuses one. */
const trip = (rcvid: number): string[] => [
  calling(server, 'MsgReceive', { chid: 1 }),
  calling(client, 'MsgSend', { coid: 1 }),
  calling(server, 'MsgReply', { rcvid }),
]

/** CPU time of the whole process in ns, including garbage collection. */
function cpuOf(pid: number): number {
  const [user, system] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ').slice(11, 13).map(Number)
  return (user! + system!) * 10_000_000
}

async function post(url: string, lines: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body: lines,
  })
  let last = ''
  for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) last = (last + piece).slice(-1_000)
  if (/"(errno|problem)"/.test(last)) throw new Error(last)
}

/** CPU time per line in µs. */
async function cost(url: string, pid: number, lines: string): Promise<number> {
  const before = cpuOf(pid)
  await post(url, lines)
  return (cpuOf(pid) - before) / 1000 / (trips * trip(1).length)
}

async function run(threads: number): Promise<Figures> {
  const live = await Live.start(['--source', 'model'])
  const rival = spawn(process.execPath, [echo], { stdio: ['pipe', 'pipe', 'inherit'] })
  const port = await new Promise<number>((resolve) =>
    rival.stdout.once('data', (data: Buffer) => resolve(Number(data))),
  )
  await post(
    `${live.url}/sys/calls`,
    `${opening.join('\n')}\n${'{"call":"createThread","pid":2}\n'.repeat(threads - 2)}`,
  )
  const linesOf = (round: number) =>
    Array.from({ length: trips }, (_, at) => `${trip(round * trips + at + 1).join('\n')}\n`).join('')
  const round = { ours: 0, reference: 0 }
  const figures = await interleave(rounds, {
    ours: () => cost(`${live.url}/sys/calls`, live.pid, linesOf(round.ours++)),
    reference: () => cost(`http://127.0.0.1:${port}/`, rival.pid!, linesOf(round.reference++)),
  })
  rival.stdin.end()
  await live.stop()
  return { ...figures, unit: 'µs' }
}

const measure = (name: string, threads: number): Measure => ({
  name,
  what: `model: CPU of a kernel call through /sys/calls, among ${threads.toLocaleString('en')} threads; a server that parses and echoes the lines`,
  target: null,
  run: () => run(threads),
})

export const callsHttp = measure('calls-http', 1_000)
export const callsHttpMillion = measure('calls-http-million', 1_000_000)
