/**
 * Handles requests that come over one connection faster than they are answered: one at a time, and little more is read
 * meanwhile.
 */

import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { bounds } from '../../base/bounds.ts'

interface Line {
  /** Requests that wait until the replies before theirs are written. */
  readonly waiting: (() => void)[]
  isBusy: boolean
}

const lines = new WeakMap<Socket, Line>()

/**
 * Calls `go` when the answers to all requests before it have been handed to the kernel: never, where the connection is
 * closed.
 */
export function inTurn(socket: Socket, response: ServerResponse, go: () => void): void {
  const line = lines.get(socket) ?? { waiting: [], isBusy: false }
  lines.set(socket, line)
  const begin = () => {
    if (socket.destroyed) return
    line.isBusy = true
    response.once('close', () => {
      line.isBusy = false
      line.waiting.shift()?.()
      // If the server paused the socket because its output is full, it will pause it again.
      if (line.waiting.length < bounds.pipelinedMax && socket.isPaused() && !socket.destroyed) socket.resume()
    })
    go()
  }
  if (!line.isBusy) {
    begin()
    return
  }
  line.waiting.push(begin)
  if (line.waiting.length >= bounds.pipelinedMax) socket.pause()
}
