/**
 * Receives webhooks for tests, in a process of its own that a test can kill. It fails about every second time, in every
 * way in which a receiver can. Arguments: port, file of the accepted requests, seed.
 */

import { appendFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { randomOf } from '../support/random.ts'

const [port, file, seed] = process.argv.slice(2)
const next = randomOf(Number(seed))

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks).toString()
    const accept = () =>
      appendFileSync(file!, `${JSON.stringify({ url: request.url, headers: request.headers, body })}\n`)
    const answer = (status: number) => response.writeHead(status).end()
    const way = next()
    if (request.url === '/refuse') answer(422)
    else if (way < 0.15) answer(500)
    else if (way < 0.3) request.socket.destroy()
    else if (way < 0.45) answer(503)
    else {
      accept()
      // Accepted, but the sender does not get to know it.
      if (way < 0.55) request.socket.destroy()
      else answer(204)
    }
  })
})

server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'))
