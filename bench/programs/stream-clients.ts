/**
 * So many WebSocket clients in one process, as cheap as they can be, and some that never read: `stream-clients.ts PORT COUNT PATH SLEEPERS`. Each notes when the event that it was told to
 * look for last has come. Over IPC: `ready` when all are connected; for each `{ count, last }` that it is sent, the delays since then in ms when all have it.
 */

import { connect, type Socket } from 'node:net'

const [port, count, path, sleepers] = [
  Number(process.argv[2]),
  Number(process.argv[3]),
  process.argv[4]!,
  Number(process.argv[5]),
]

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

/**
 * Events say when they were sent: their note begins with the µs of the machine's monotonic clock. `tail` is what the piece before ended with.
 * Returns what this one ends with.
 */
function look(data: Buffer, tail: Buffer): Buffer {
  const now = Number(process.hrtime.bigint() / 1000n)
  const seam = Buffer.concat([tail, data.subarray(0, needle.length - 1)])
  if (seam.includes(needle)) events++
  for (let at = data.indexOf(needle); at !== -1; at = data.indexOf(needle, at + 1)) {
    events++
    const from = at + needle.length
    // Where a piece of the stream ends in the middle of it, it is not in the sample.
    if (sampled++ % sampleEvery !== 0 || from + 20 > data.length) continue
    delays.push((now - Number.parseInt(data.toString('latin1', from, from + 20), 10)) / 1000)
  }
  if (events >= wanted) {
    wanted = Number.POSITIVE_INFINITY
    process.send!({ delays, events } satisfies Delays)
  }
  return data.length >= needle.length - 1
    ? data.subarray(1 - needle.length)
    : Buffer.concat([tail, data]).subarray(1 - needle.length)
}

let sampleEvery = 1

const sockets: Socket[] = []

function open(isReader: boolean): Promise<void> {
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
      let tail: Buffer = Buffer.alloc(0)
      if (!isReader) socket.pause()
      else
        socket.on('data', (data) => {
          tail = look(data, tail)
        })
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

async function openAll(wanted: number, isReader: boolean): Promise<void> {
  for (let opened = 0; opened < wanted; opened += 100)
    await Promise.all(Array.from({ length: Math.min(100, wanted - opened) }, () => open(isReader)))
}

await openAll(count, true)
await openAll(sleepers, false)
process.send!('ready')
