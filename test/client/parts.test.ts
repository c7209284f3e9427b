/** Tests the pure parts of the client: backoff, Retry-After, the SSE parser and the position. */

import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Backoff } from '../../src/client/backoff.ts'
import { retryAfter } from '../../src/client/errors.ts'
import { Position } from '../../src/client/position.ts'
import { type SseMessage, SseParser } from '../../src/client/sse.ts'
import { randomOf } from '../support/random.ts'

describe('backoff', () => {
  const bounds = { firstMs: 250, mostMs: 30_000 }

  test('each wait is random below a bound that doubles up to the maximum', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const backoff = new Backoff({ ...bounds, random: randomOf(seed) })
        const most = Array.from({ length: 12 }, (_, failures) => Math.min(30_000, 250 * 2 ** failures))
        for (const bound of most) {
          const wait = backoff.next()
          expect(wait).toBeGreaterThanOrEqual(0)
          expect(wait).toBeLessThan(bound)
        }
      }),
    )
  })

  test('the jitter is full: waits reach from zero to the bound', () => {
    expect(new Backoff({ ...bounds, random: () => 0 }).next()).toBe(0)
    expect(new Backoff({ ...bounds, random: () => 0.9999 }).next()).toBe(249)
  })

  test('the random wait is added to the wait that the service requests', () => {
    const backoff = new Backoff({ ...bounds, random: () => 0.5 })
    expect([backoff.next(10_000), backoff.next(), backoff.next()]).toEqual([10_125, 250, 500])
  })

  test('a success resets the bound', () => {
    const backoff = new Backoff({ ...bounds, random: () => 0.5 })
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([125, 250, 500])
    backoff.reset()
    expect(backoff.next()).toBe(125)
  })
})

test('Retry-After is parsed as seconds or a date, and anything else is null', () => {
  const now = Date.parse('2026-11-22T10:00:00Z')
  expect(retryAfter('10', now)).toBe(10_000)
  expect(retryAfter('Sun, 22 Nov 2026 10:00:30 GMT', now)).toBe(30_000)
  expect(retryAfter('Sun, 22 Nov 2026 09:00:00 GMT', now)).toBe(0)
  expect(retryAfter('soon', now)).toBeNull()
  expect(retryAfter(null, now)).toBeNull()
})

describe('the SSE parser', () => {
  const feedAll = (pieces: readonly string[]): SseMessage[] => {
    const parser = new SseParser()
    return pieces.flatMap((piece) => parser.feed(piece))
  }

  test('an empty comment, which only shows that the stream is alive, is no reason for its end', () => {
    const parser = new SseParser()
    parser.feed(': shutting down\n\n:\n\n')
    expect(parser.comment).toBe('shutting down')
  })

  test('parses ids, data lines and comments as the service writes them', () => {
    const parser = new SseParser()
    const text = ': introspectd\n\nid: 7\ndata: {"a":1}\n\n: shutting down\n\n'
    expect(parser.feed(text)).toEqual([{ id: '7', data: '{"a":1}' }])
    expect(parser.comment).toBe('shutting down')
  })

  test('agrees with eventsource-parser, wherever the text is cut', () => {
    const line = fc.oneof(
      fc.constantFrom(
        'data: a',
        'data:b',
        'data',
        'data: ',
        'id: 1',
        'id',
        ': comment',
        'event',
        'retry: 1',
        'data:  :c',
        '',
      ),
      fc.string({ unit: fc.constantFrom('d', 'a', 't', ':', ' ', 'i') }),
    )
    const end = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(fc.tuple(line, end), { maxLength: 30 }), fc.array(fc.nat(200)), (lines, cuts) => {
        const text = `${lines.flat().join('')}\n\n`
        const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].sort((a, b) => a - b)
        const pieces = [0, ...places].map((place, index) => text.slice(place, [...places, text.length][index]))
        const messages: string[] = []
        const parser = createParser({ onEvent: ({ data }) => messages.push(data) })
        parser.feed(text)
        expect(feedAll(pieces).map(({ data }) => data)).toEqual(messages)
      }),
      { numRuns: 500 },
    )
  })

  test('refuses a line that is too long', () => {
    const parser = new SseParser()
    const piece = 'x'.repeat(1 << 20)
    expect(() => {
      for (let piecesFed = 0; piecesFed < 20; piecesFed++) parser.feed(piece)
    }).toThrow('a line of the event stream is too long')
  })
})

describe('the position', () => {
  const event = (sequence: string, source = '/net/alpha') => ({ source, sequence })

  test('an event that was seen is not new again, on any connection', () => {
    const position = new Position(null)
    expect(['05', '06', '06', '05', '07'].map((sequence) => position.accepts(event(sequence)))).toEqual([
      true,
      true,
      false,
      false,
      true,
    ])
    expect(position.cursor).toBe('07')
  })

  test('each node has its own newest sequence', () => {
    const position = new Position(null)
    expect(position.accepts(event('09', '/net/alpha'))).toBe(true)
    expect(position.accepts(event('03', '/net/beta'))).toBe(true)
    expect(position.accepts(event('03', '/net/beta'))).toBe(false)
  })

  test('a bookmark moves the cursor forwards only', () => {
    const position = new Position('5')
    expect(position.cursor).toBe('00000000000000000005')
    position.moveTo('00000000000000000009')
    position.moveTo('00000000000000000007')
    expect(position.cursor).toBe('00000000000000000009')
  })

  test('sequences may start again after the state was read', () => {
    const position = new Position('00000000000000000900')
    position.accepts(event('00000000000000000901'))
    position.restart('00000000000000000002')
    expect(position.accepts(event('00000000000000000003'))).toBe(true)
    expect(position.cursor).toBe('00000000000000000003')
  })
})
