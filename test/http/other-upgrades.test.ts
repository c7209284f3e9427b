/** Tests requests that offer another protocol than WebSocket, as clients do that also speak HTTP/2. */

import { afterEach, beforeEach, test } from 'vitest'
import { openRaw } from '../support/raw.ts'
import { Service } from '../support/service.ts'
import { until } from '../support/until.ts'

let service: Service

beforeEach(async () => {
  service = await new Service().start()
})

afterEach(() => service.stop())

const settings = 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'

test.each(['/livez', '/sys/notifier'])(
  'an offer of HTTP/2 at %s is answered over HTTP/1.1, and the connection serves the next request',
  async (path) => {
    const socket = await openRaw({ port: service.port })
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString()
    })
    const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', settings]
    const request = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${service.port}`, ...offer, '\r\n'].join('\r\n')
    for (const replies of [1, 2]) {
      socket.write(request)
      await until(
        () => received.split('HTTP/1.1 ').slice(1),
        (all) => all.length === replies && all.every((reply) => /^200 .*\r\n\r\n./s.test(reply)),
        { what: `reply ${replies}` },
      )
    }
    socket.destroy()
  },
)
