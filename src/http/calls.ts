/**
 * Serves the route `POST /sys/calls`: NDJSON in both directions. Each line is a call and is answered by a line, in
 * order. An errno is an answer too. The first line that is no call ends the stream with a problem; the calls before it
 * stay executed.
 */

import { isUtf8 } from 'node:buffer'
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { bounds } from '../base/bounds.ts'
import { KernelError } from '../kernel/errno.ts'
import type { Model, TreeContext } from '../tree/context.ts'
import { runLine } from '../tree/operations.ts'
import { checkLineType, parseJson } from './body.ts'
import { forms, refuseQuery } from './negotiate.ts'
import { Problem, problemOf, withoutModel } from './problems.ts'

const path = '/sys/calls'

export function addCallsRoute(app: FastifyInstance, context: TreeContext): void {
  app.register(async (scope) => {
    // Lines are executed as they arrive: a request may have millions.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    scope.post(path, { bodyLimit: Number.MAX_SAFE_INTEGER }, (request, reply) => answerCalls(context, request, reply))
  })
}

function answerCalls({ model, source }: TreeContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (model === null) throw withoutModel(source, 'OPTIONS')
  refuseQuery(request)
  checkLineType(request)
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
      // Some lines take long: yield to other requests between batches.
      if (session.hasLines) await nextTurn()
    }
    if (session.isOver) break
  }
  if (session.isOver) discardRest(payload)
  const rest = session.end()
  if (rest !== '') yield rest
}

/**
 * A client that is still writing reads the answer only if it can finish writing. One that never finishes is cut off.
 */
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

  take(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
  }

  get hasLines(): boolean {
    return this.#rest.length > bounds.lineBytesMax || this.#rest.includes(newline)
  }

  /** Answers the complete lines so far, at most as many as one turn of the event loop may execute. */
  answer(): string {
    this.#model.catchUp()
    const last = this.#model.machine.expiries + bounds.expiriesPerTurn
    const bytes = this.#rest
    const answered: string[] = []
    let begin = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, begin)) {
      answered.push(this.#answerLine(bytes.subarray(begin, end)))
      begin = end + 1
      if (this.isOver || this.#model.machine.expiries >= last) break
    }
    this.#rest = bytes.subarray(begin)
    const isComplete = this.#rest.includes(newline)
    // An incomplete line that is too long already need not be read to its end.
    if (!this.isOver && !isComplete && this.#rest.length > bounds.lineBytesMax)
      answered.push(this.#answerLine(this.#rest))
    return answered.join('')
  }

  /** Answers the last line, which need not end with a newline. */
  end(): string {
    return this.isOver || this.#rest.length === 0 ? '' : this.#answerLine(this.#rest)
  }

  #answerLine(bytes: Buffer): string {
    this.#line++
    // Counted in bytes, so that the result does not depend on where chunks were cut.
    if (bytes.length > bounds.lineBytesMax) return this.#refuse(tooLong())
    const text = bytes.toString('utf8')
    if (text.trim() === '') return ''
    const line = this.#line
    try {
      return `${JSON.stringify({ line, ...runLine(this.#model, parseLine(bytes, text)) })}\n`
    } catch (error) {
      if (!(error instanceof KernelError)) return this.#refuse(error)
      return `${JSON.stringify({ line, errno: error.errno, detail: error.message })}\n`
    }
  }

  #refuse(error: unknown): string {
    this.isOver = true
    const { document, isFault } = problemOf(error, path)
    if (isFault) this.#onFault(error)
    return `${JSON.stringify({ line: this.#line, problem: document })}\n`
  }
}

function tooLong(): Problem {
  return new Problem('body-too-large', `a line may have at most ${bounds.lineBytesMax} bytes`)
}

/** @throws Problem */
function parseLine(bytes: Buffer, text: string): unknown {
  if (text.includes('\ufffd') && !isUtf8(bytes)) throw new Problem('malformed-body', 'this line is not UTF-8')
  return parseJson(text, 'this line')
}
