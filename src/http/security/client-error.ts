/** Answers requests that are not HTTP, or break its limits, on the socket itself: no reply object exists yet. */

import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { Problem, type ProblemType, problemOf } from '../problems.ts'

const types: Readonly<Record<string, ProblemType>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}

export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  // The peer is gone, or does not speak TLS, so no reply can reach it.
  if (error.code === 'ECONNRESET' || /^ERR_(TLS|SSL)_/.test(error.code ?? '') || socket.destroyed || !socket.writable) {
    socket.destroy()
    return
  }
  const type = types[error.code ?? ''] ?? 'malformed-request'
  const { document } = problemOf(new Problem(type, `the request could not be read: ${error.code ?? error.message}`), '')
  const body = JSON.stringify(document)
  const head = [
    `HTTP/1.1 ${document.status} ${STATUS_CODES[document.status]}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}
