/**
 * So many WebSocket clients in one process, as cheap as they can be: `stream-clients.ts PORT COUNT PATH`. Each notes when the event that it was told to
 * look for last has come. Over IPC: `ready` when all are connected; for each `{ count, last }` that it is sent, the delays since then in ms when all have it.
 */

import { connect, type Socket } from 'node:net'

const [port, count, path] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]!]

const needle = Buffer.from('"note":"')

interface Delays {
  /** Of each event at each client, a sample of them: ms. */
  readonly delays: number[]
  readonly events: number
}

let delays: number[] = []
let events = 0
let wanted = Number.POSITIVE_INFINITY
let sampled = 0

/** Events say when they were sent, in µs of the machine's monotonic clock. */
function look(data: Buffer): void {
  const now = Number(process.hrtime.bigint() / 1000n)
  for (let at = data.indexOf(needle); at !== -1; at = data.indexOf(needle, at + 1)) {
    events++
    if (sampled++ % sampleEvery !== 0) continue
    const from = at + needle.length
    const end = data.indexOf(0x22, from)
    if (end !== -1) delays.push((now - Number(data.toString('latin1', from, end))) / 1000)
  }
  if (events >= wanted) {
    wanted = Number.POSITIVE_INFINITY
    process.send!({ delays, events } satisfies Delays)
  }
}

let sampleEvery = 1

const sockets: Socket[] = []

function open(): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.setNoDelay(true)
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (head) => {
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) reject(new Error(head.toString('latin1')))
      socket.on('data', look)
      resolve()
    })
  })
}

process.on('message', ({ events: expected, sampleEvery: every }: { events: number; sampleEvery: number }) => {
  delays = []
  events = 0
  sampled = 0
  sampleEvery = every
  wanted = expected
  process.send!('waiting')
})
process.on('disconnect', () => process.exit(0))

for (let opened = 0; opened < count; opened += 100)
  await Promise.all(Array.from({ length: Math.min(100, count - opened) }, open))
process.send!('ready')
