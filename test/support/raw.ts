/** Clients that write arbitrary bytes to a socket, for tests of protocol violations. */

import { connect, type Socket } from 'node:net'

export interface RawOptions {
  readonly port: number
  readonly localAddress?: string
}

export async function openRaw({ port, localAddress = '127.0.0.1' }: RawOptions): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

/** Sends the bytes, half-closes the connection, and resolves with everything received until the server closes it. */
export async function exchange(options: RawOptions, bytes: string | Buffer): Promise<string> {
  const socket = await openRaw(options)
  const chunks: Buffer[] = []
  socket.on('data', (data: Buffer) => chunks.push(data))
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.end(bytes)
  await closed
  return Buffer.concat(chunks).toString('latin1')
}

/** A WebSocket upgrade request like that of the package `ws`. */
export const upgradeRequest = (port: number, path: string, ...more: string[]): string =>
  [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
    ...more,
    '\r\n',
  ].join('\r\n')

export interface Frame {
  readonly fin: boolean
  /** Reserved bits: 3 bits. The opcode has 4. */
  readonly reserved: number
  readonly opcode: number
  readonly masked: boolean
  readonly payload: Buffer
  /** Length in the header; default: the length of the payload. */
  readonly length?: number
}

/** Encodes a frame as RFC 6455, section 5.2, defines it. The mask is zero, which leaves the payload unchanged. */
export function frameBytes({ fin, reserved, opcode, masked, payload, length = payload.length }: Frame): Buffer {
  const first = (fin ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 15)
  const mask = masked ? 0x80 : 0
  const head =
    length < 126
      ? Buffer.from([first, mask | length])
      : length < 65_536
        ? Buffer.from([first, mask | 126, length >> 8, length & 255])
        : Buffer.concat([Buffer.from([first, mask | 127, 0, 0, 0, 0]), uint32(length)])
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), payload])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
