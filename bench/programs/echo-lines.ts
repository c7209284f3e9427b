/**
 * A reference server that answers each line of NDJSON in a request's body with one line. It shows the cost of a stream
 * of calls without the calls. Prints its port.
 */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' })
  let rest = ''
  let line = 0
  request.setEncoding('utf8')
  request.on('data', (piece: string) => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop()!
    response.write(lines.map((text) => `${JSON.stringify({ line: ++line, returned: JSON.parse(text) })}\n`).join(''))
  })
  request.on('end', () => response.end())
})
server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.stdin.resume().once('end', () => process.exit(0))
