/** A reference server that answers every request with the response on its first line of input. Prints its port. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'

const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => {
  const { headers, body } = JSON.parse(line) as { headers: Record<string, string>; body: string }
  const server = createServer((_request, response) => response.writeHead(200, headers).end(body))
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
})
lines.once('close', () => process.exit(0))
