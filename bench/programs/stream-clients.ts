/**
 * Runs many cheap WebSocket clients in one process, and some that never read. Arguments: PORT COUNT PATH SLEEPERS.
 * Over IPC it sends `ready` when every client is connected. For each message `{ events, sampleEvery }` it answers
 * `waiting`, and when that many events have arrived, it sends their number and the delays of a sample in ms.
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
  /** Delays in ms of a sample of the events. */
  readonly delays: number[]
  readonly events: number
}

let delays: number[] = []
let events = 0
let wanted = Number.POSITIVE_INFINITY
let sampled = 0

/**
 * Counts the events in a chunk and measures the delays of a sample. The note of an event begins with the time of
 * sending, in µs of the monotonic clock.
 * @param tail end of the previous chunk
 * @returns the end of this chunk
 */
function look(data: Buffer, tail: Buffer): Buffer {
  const now = Number(process.hrtime.bigint() / 1000n)
  const seam = Buffer.concat([tail, data.subarray(0, needle.length - 1)])
  if (seam.includes(needle)) events++
  for (let at = data.indexOf(needle); at !== -1; at = data.indexOf(needle, at + 1)) {
    events++
    const from = at + needle.length
    // An event that is divided between two chunks is not sampled.
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
