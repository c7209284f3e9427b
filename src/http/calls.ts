/**
 * `POST /sys/calls`: NDJSON both ways, a call a line, an answer a line, in order. An errno is an answer; the first line that
 * is no call ends the stream with a problem, and what came before it is done.
 */

import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Model, TreeContext } from '../tree/definition.ts'
import { runLine } from '../tree/operations.ts'
import { checkLineType } from './body.ts'
import { forms, refuseQuery } from './negotiate.ts'
import { Problem, problemOf } from './problems.ts'
import { authorize } from './security/gate.ts'

const path = '/sys/calls'

export function addCallsRoute(app: FastifyInstance, context: TreeContext): void {
  app.register(async (scope) => {
    // The lines are executed as they arrive: there may be millions.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    scope.post(path, { bodyLimit: Number.MAX_SAFE_INTEGER }, (request, reply) => answerCalls(context, request, reply))
  })
}

function answerCalls({ model, source }: TreeContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  authorize(request.token, 'operate')
  if (model === null) {
    const headers = { allow: 'OPTIONS' }
    throw new Problem(
      'method-not-allowed',
      `the source is ${source}: a live kernel is observed, not called; start with --source model to drive one`,
      { headers },
    )
  }
  refuseQuery(request)
  checkLineType(request.headers['content-type'])
  const payload = request.body instanceof Readable ? request.body : Readable.from([])
  const session = new Session(model, (error) => request.log.error({ err: error, url: request.url }, 'a call failed'))
  return reply.type(forms.ndjson).send(Readable.from(answers(session, payload)))
}

async function* answers(session: Session, payload: Readable): AsyncGenerator<string> {
  for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
    session.take(chunk as Buffer)
    while (session.hasLines && !session.isOver) {
      const text = session.answer()
      if (text !== '') yield text
      // Some lines are a long time: others have their turn between them.
      if (session.hasLines) await nextTurn()
    }
    if (session.isOver) break
  }
  if (session.isOver) discardRest(payload)
  const rest = session.end()
  if (rest !== '') yield rest
}

/** A client that is still writing reads the answer only if it can go on; one that never ends is cut off. */
function discardRest(payload: Readable): void {
  const cut = setTimeout(() => payload.destroy(), bounds.lingerMs)
  payload.once('close', () => clearTimeout(cut))
  payload.resume()
}

const newline = 0x0a

/** The lines of one request. */
class Session {
  readonly #model: Model
  readonly #onFault: (error: unknown) => void
  #rest: Buffer = Buffer.alloc(0)
  #line = 0
  isOver = false

  constructor(model: Model, onFault: (error: unknown) => void) {
    this.#model = model
    this.#onFault = onFault
  }

  take(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
  }

  get hasLines(): boolean {
    return this.#rest.length > bounds.lineBytesMax || this.#rest.includes(newline)
  }

  /** What the lines answer that end in what was taken: all, or as many as one turn is for. */
  answer(): string {
    this.#model.catchUp()
    const last = this.#model.machine.expiries + bounds.expiriesPerTurn
    const bytes = this.#rest
    const answered: string[] = []
    let begin = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, begin)) {
      answered.push(this.#answer(bytes.subarray(begin, end)))
      begin = end + 1
      if (this.isOver || this.#model.machine.expiries >= last) break
    }
    this.#rest = bytes.subarray(begin)
    const isWhole = this.#rest.includes(newline)
    // It is as long as that already, wherever it ends.
    if (!this.isOver && !isWhole && this.#rest.length > bounds.lineBytesMax) answered.push(this.#answer(this.#rest))
    return answered.join('')
  }

  /** The last line need not end with a newline. */
  end(): string {
    return this.isOver || this.#rest.length === 0 ? '' : this.#answer(this.#rest)
  }

  #answer(bytes: Buffer): string {
    this.#line++
    // Of bytes, so that it is the same wherever the pieces were cut.
    if (bytes.length > bounds.lineBytesMax) return this.#refuse(tooLong())
    const text = bytes.toString('utf8')
    if (text.trim() === '') return ''
    const line = this.#line
    try {
      return `${JSON.stringify({ line, ...runLine(this.#model, parse(bytes, text)) })}\n`
    } catch (error) {
      if (!(error instanceof KernelError)) return this.#refuse(error)
      return `${JSON.stringify({ line, errno: error.errno, detail: error.message })}\n`
    }
  }

  #refuse(error: unknown): string {
    this.isOver = true
    const { document, fault } = problemOf(error, path)
    if (fault) this.#onFault(error)
    return `${JSON.stringify({ line: this.#line, problem: document })}\n`
  }
}

function tooLong() {
  return new Problem('body-too-large', `a line has at most ${bounds.lineBytesMax} bytes`)
}

function parse(bytes: Buffer, text: string): unknown {
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new Problem('malformed-body', 'this line is not UTF-8')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Problem(
      'malformed-body',
      `this line is not JSON: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
