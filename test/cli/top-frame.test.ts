/** Tests `introspectd top` on terminals in memory: scrolling, the filter, threads and deadlocks. */

import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ModelService } from '../support/model-service.ts'
import { Service } from '../support/service.ts'
import { Terminal } from '../support/terminal.ts'

let service: Service
const terminals: Terminal[] = []

const keys = {
  up: '\u001b[A',
  down: '\u001b[B',
  pageDown: '\u001b[6~',
  home: '\u001b[H',
  end: '\u001b[F',
  escape: '\u001b',
}

beforeEach(async () => {
  service = await new Service().start()
  for (let pid = 1; pid <= 40; pid++) service.bench.process(pid, { name: pid % 10 === 0 ? `web-${pid}` : `p${pid}` })
  const process = service.bench.process(50, { name: 'threaded' })
  for (const tid of [50, 51, 52]) service.bench.thread(process, tid)
  service.bench.process(60, { name: 'kworker/0:1', kernelThread: true })
})

afterEach(async () => {
  for (const terminal of terminals) terminal.kill()
  await Promise.all(terminals.splice(0).map(({ ended }) => ended))
  await service.stop()
})

async function top(size: { rows: number; columns: number }, port = service.port): Promise<Terminal> {
  const words = ['top', '--url', `http://127.0.0.1:${port}`, '--delay', '0.1', '--sort', 'pid', '--reverse']
  const terminal = new Terminal(words, size)
  terminals.push(terminal)
  await terminal.until(({ frame }) => frame.length > 1)
  return terminal
}

/** The pids that are shown, below the line of titles. */
function pids({ frame }: Terminal): number[] {
  const titles = frame.findIndex((line) => / *PID /.test(line))
  return frame.slice(titles + 1, -1).flatMap((line) => (/^ *\d+ /.test(line) ? [Number.parseInt(line, 10)] : []))
}

const selected = ({ drawing }: Terminal): number | null => {
  // The selected row is the inverse line that begins with a pid.
  const found = /\u001b\[7m *(\d+) /.exec(drawing)?.[1]
  return found === undefined ? null : Number(found)
}

describe.each([
  { rows: 24, columns: 80, shown: 18 },
  { rows: 8, columns: 30, shown: 5 },
])('on $columns × $rows', ({ rows, columns, shown }) => {
  test('fits, with the head, whole columns, the rows and the keys', async () => {
    const terminal = await top({ rows, columns })
    const { frame } = terminal
    expect(frame).toHaveLength(rows)
    for (const line of frame) expect(line.length).toBeLessThanOrEqual(columns)
    expect(pids(terminal)).toEqual(Array.from({ length: shown }, (_, place) => place + 1))
    const titles = frame.find((line) => / *PID /.test(line))!
    expect(titles).toMatch(columns === 80 ? /^ *PID {2}NAME +UID +%CPU +MEMORY .* STATES/ : /^ *PID {2}NAME .*%CPU/)
    expect(frame.at(-1)).toMatch(/^q quits/)
    expect(columns === 80 ? frame.at(-1) : '').toMatch(columns === 80 ? /a all {2}< > sort {2}r reverse$/ : /^$/)
  })

  test('scrolls by line and by screen, and the selection stays on its process', async () => {
    const terminal = await top({ rows, columns })
    terminal.type(keys.down)
    await terminal.until((each) => selected(each) === 1)
    terminal.type(keys.end)
    await terminal.until((each) => selected(each) === 50)
    expect(pids(terminal).at(-1)).toBe(50)
    terminal.type(keys.home)
    await terminal.until((each) => selected(each) === 1)
    terminal.type(keys.pageDown)
    await terminal.until((each) => selected(each) === 1 + shown)
    terminal.type(keys.up)
    await terminal.until((each) => selected(each) === shown)
    // A row above it goes, and the selection is still on the same process.
    await terminal.until((each) => pids(each).includes(shown))
    terminal.type('r')
    await terminal.until((each) => pids(each)[0] !== undefined && selected(each) === shown && pids(each)[0]! > shown)
  })

  test('filters by name while it is typed, and shows all again', async () => {
    const terminal = await top({ rows, columns })
    terminal.type('/')
    terminal.type('WEB')
    await terminal.until((each) => pids(each).join() === '10,20,30,40')
    expect(terminal.frame.at(-1)).toBe('name contains: WEB_')
    // Keys that have a meaning elsewhere are text here.
    terminal.type('q')
    await terminal.until((each) => pids(each).length === 0)
    terminal.type('\u007f')
    terminal.type('\r')
    await terminal.until(({ frame }) => frame.at(-1)!.startsWith('[WEB] Esc shows all'))
    expect(pids(terminal)).toEqual([10, 20, 30, 40])
    terminal.type(keys.escape)
    await terminal.until((each) => pids(each).length === shown)
  })

  test('opens the threads of the selected process, and goes back', async () => {
    const terminal = await top({ rows, columns })
    terminal.type(keys.end)
    await terminal.until((each) => selected(each) === 50)
    terminal.type('\r')
    await terminal.until(({ frame }) => frame.some((line) => / *TID {2}NAME /.test(line)))
    for (const line of terminal.frame) expect(line.length).toBeLessThanOrEqual(columns)
    for (const tid of [50, 51, 52]) expect(terminal.frame.join('\n')).toMatch(new RegExp(`^ *${tid}  t${tid} `, 'm'))
    terminal.type(keys.escape)
    await terminal.until((each) => pids(each).length === shown)
  })
})

test('a shows kernel threads, too', async () => {
  const terminal = await top({ rows: 60, columns: 80 })
  expect(terminal.frame.join('\n')).not.toContain('kworker')
  terminal.type('a')
  await terminal.until(({ frame }) => frame.some((line) => line.includes('[kworker/0:1]')))
})

test('shows deadlocks in the head, and who waits for whom with d', async () => {
  const model = await new ModelService().start()
  try {
    await model.fetch('/sys/scenario', {
      method: 'POST',
      headers: { 'content-type': 'application/yaml' },
      body: readFileSync(new URL('../../scenarios/two-lock-deadlock.yaml', import.meta.url)),
    })
    const terminal = await top({ rows: 24, columns: 80 }, model.port)
    await terminal.until(({ frame }) => frame[2]!.startsWith('deadlocks 1, '))
    terminal.type('d')
    await terminal.until(({ frame }) => frame[4]!.startsWith('DEADLOCKS'))
    const text = await (await model.fetch('/sys/deadlocks?format=text')).text()
    const drawn = terminal.frame.slice(5).join('')
    for (const line of text.trimEnd().split('\n')) expect(drawn).toContain(line.trimEnd())
    terminal.resize(8, 30)
    await terminal.until(({ frame }) => frame.length === 8)
    expect(terminal.frame[0]).toMatch(/^deadlocks 1 /)
    const before = terminal.frame[2]
    terminal.type(keys.end)
    await terminal.until(({ frame }) => frame[2] !== before)
    terminal.type(keys.escape)
    await terminal.until(({ frame }) => frame.some((line) => / *PID /.test(line)))
  } finally {
    for (const terminal of terminals) terminal.kill()
    await Promise.all(terminals.splice(0).map(({ ended }) => ended))
    await model.stop()
  }
})
