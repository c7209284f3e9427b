/** Tests `introspectd top` on a terminal in memory, on a pseudo-terminal, and without a terminal. */

import { constants } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { runHere } from '../support/command-line.ts'
import type { Display } from '../support/display.ts'
import { Live, run } from '../support/live.ts'
import { type Program, start } from '../support/programs.ts'
import { Pty } from '../support/pty.ts'
import { Terminal } from '../support/terminal.ts'

const { SIGTERM, SIGINT, SIGHUP, SIGSTOP, SIGCONT } = constants.signals
const enters = '\u001b[?1049h\u001b[?25l'
const leaves = '\u001b[?25h\u001b[?1049l'

let live: Live
let hog: Program
const opened: Display[] = []

type Size = { rows?: number; columns?: number }

const open = <Shown extends Display>(display: Shown): Shown => {
  opened.push(display)
  return display
}

const wordsOf = (words: readonly string[]): string[] => ['top', '--url', live.url, '--delay', '0.1', ...words]

const top = async (words: readonly string[] = [], size: Size = {}): Promise<Terminal> => {
  const terminal = open(new Terminal(wordsOf(words), size))
  await terminal.until(({ frame }) => frame.length > 1)
  return terminal
}

const topOnPty = async (): Promise<Pty> => {
  const terminal = open(new Pty(wordsOf([])))
  await terminal.until(({ frame }) => frame.length > 1)
  return terminal
}

/** Whether the table is sorted by this column: its title is bold. */
const column =
  (name: string) =>
  ({ drawing }: Display): boolean =>
    drawing.includes(`\u001b[1m${name}\u001b[22m`)

/** Numbers in the column FDS, found by position because columns to its left may contain blanks. */
const fdsShown = (frame: readonly string[]): number[] => {
  const end = frame[4]!.indexOf('FDS') + 'FDS'.length
  const cells = frame.slice(5, -1).map((row) => / (\d+)$/.exec(row.slice(0, end))?.[1])
  return cells.flatMap((cell) => (cell === undefined ? [] : [Number(cell)]))
}

beforeAll(async () => {
  // Set by vitest or CI, it would decide about colours in place of the terminal.
  vi.stubEnv('FORCE_COLOR', undefined)
  live = await Live.start()
  hog = await start('fd-hog', [1, 1500])
  await live.until(`/sys/proc/${hog.pid}/fds`, ({ value }) => Number(value) > 1500)
})

afterEach(async () => {
  const displays = opened.splice(0)
  for (const display of displays) display.kill()
  await Promise.all(displays.map(({ ended }) => ended))
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await hog.stop()
  await live.stop()
})

const ends: [name: string, end: (screen: Display) => void][] = [
  ['Ctrl-C', (screen) => screen.type('\u0003')],
  ['Ctrl-D', (screen) => screen.type('\u0004')],
  ['SIGINT', (screen) => screen.signal(SIGINT)],
  ['SIGTERM', (screen) => screen.signal(SIGTERM)],
  ['SIGHUP', (screen) => screen.signal(SIGHUP)],
]

describe('on a terminal', () => {
  test('fills the screen exactly with a header, the processes and the keys', async () => {
    const { frame } = await top([], { rows: 12, columns: 90 })
    expect(frame).toHaveLength(12)
    for (const row of frame) expect(row.length).toBeLessThanOrEqual(90)
    expect(frame[0]).toMatch(/^introspectd \S+ on \S+ \(linux\) {2}\d\d:\d\d:\d\d$/)
    expect(frame[1]).toMatch(/^processes \d+ {2}threads \d+ {2}cpu [\d.]+% of \d+\.0% {2}memory \S+ of \S+$/)
    expect(frame[2]).toBe('thresholds 0, tripped 0')
    expect(frame[4]).toMatch(/^ *PID {2}NAME +UID +%CPU +MEMORY /)
    expect(frame[5]).toMatch(/^ *\d+ {2}\S/)
    expect(frame[11]).toMatch(/^q quits/)
  })

  test('ends on q and restores the terminal', async () => {
    const screen = await top()
    screen.type('q')
    expect(await screen.ended).toEqual({ code: 0, restored: true })
    expect(screen.output.startsWith(enters)).toBe(true)
    expect(screen.output.endsWith(leaves)).toBe(true)
  })

  test.each(ends)('ends on %s and restores the terminal', async (_, end) => {
    const screen = await top()
    end(screen)
    expect(await screen.ended).toEqual({ code: 0, restored: true })
    expect(screen.output.endsWith(leaves)).toBe(true)
  })

  test('gives the terminal back on Ctrl-Z, and draws again on SIGCONT', async () => {
    const screen = await top()
    screen.type('\u001a')
    await screen.until(({ isSuspended }) => isSuspended)
    expect(screen.output.endsWith(leaves)).toBe(true)
    const before = screen.output.length
    screen.signal(SIGCONT)
    await screen.until(({ output }) => output.slice(before).includes('\u001b[J'))
    expect(screen.output.slice(before).startsWith(enters)).toBe(true)
    screen.type('q')
    expect(await screen.ended).toEqual({ code: 0, restored: true })
  })

  test('sorts by the column of a letter or by its neighbour, and reverses the order', async () => {
    const screen = await top()
    expect(column('%CPU')(screen)).toBe(true)
    screen.type('f')
    await screen.until(column('FDS'))
    const counts = fdsShown(screen.frame)
    expect(counts.length).toBeGreaterThan(5)
    expect(counts).toEqual(counts.toSorted((one, other) => other - one))
    screen.type('>')
    await screen.until(column('THREADS'))
    screen.type('\u001b[D')
    await screen.until(column('FDS'))
    screen.type('<')
    await screen.until(column('STACK'))
    // The same letter again selects the next column that begins with it: PID, PARTITION, PID.
    screen.type('p')
    await screen.until(column('PARTITION'))
    screen.type('p')
    await screen.until(column('PID'))
    screen.type('r')
    await screen.until(({ frame }) => /^ +1 {2}/.test(frame[5]!))
    // There is no column before the first; other keys have no effect.
    screen.type('<xyz')
    screen.type('r')
    await screen.until((pty) => column('PID')(pty) && !/^ +1 {2}/.test(pty.frame[5]!))
  })

  test('adapts to the size of the terminal', async () => {
    // Only the change of size can draw the screen again in time.
    const screen = await top(['--delay', '60'], { rows: 30, columns: 120 })
    expect(screen.frame).toHaveLength(30)
    screen.resize(8, 40)
    await screen.until(({ frame }) => frame.length === 8)
    for (const row of screen.frame) expect(row.length).toBeLessThanOrEqual(40)
    screen.resize(2, 10)
    await screen.until(({ frame }) => frame.length === 2)
    screen.resize(40, 200)
    await screen.until(({ frame }) => frame.length === 40)
    expect(screen.frame.at(-1)).toMatch(/^q quits/)
    screen.type('q')
    expect((await screen.ended).restored).toBe(true)
  })

  test('lists tripped thresholds in the header', async () => {
    const screen = await top()
    await live.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 100 })
    await screen.until(({ frame }) => frame[2] === `thresholds 1, tripped 1: /sys/proc/${hog.pid}/fds/threshold/hog`)
    await fetch(`${live.url}/sys/proc/${hog.pid}/fds/threshold/hog`, { method: 'DELETE' })
    await screen.until(({ frame }) => frame[2] === 'thresholds 0, tripped 0')
  })

  test('shows only the selected processes', async () => {
    const { frame } = await top(['--name', 'fd-hog'])
    const rows = frame.slice(5, -1).filter((row) => row !== '')
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) expect(row).toContain('fd-hog')
  })

  test('shows old data with a notice while the service is down, and updates when it is back', async () => {
    const port = '--port'
    const former = await Live.start()
    const { port: number } = new URL(former.url)
    const terminal = open(new Terminal(['top', '--url', former.url, '--delay', '0.1']))
    await terminal.until(({ frame }) => frame.length > 1)
    await former.stop()
    await terminal.until(({ frame }) => /^OLD, trying again: /.test(frame.at(-1)!))
    expect(terminal.frame[5]).toMatch(/^ *\d+ {2}\S/)
    const next = await Live.start([port, number])
    await terminal.until(({ frame }) => /^q quits/.test(frame.at(-1)!))
    terminal.type('q')
    expect(await terminal.ended).toEqual({ code: 0, restored: true })
    await next.stop()
  })

  test('refuses invalid arguments without drawing the screen', async () => {
    const terminal = open(new Terminal(['top', '--sort', 'cpuu']))
    expect(await terminal.ended).toEqual({ code: 1, restored: true })
    expect(terminal.output).toBe('introspectd: --sort: there is no column cpuu; did you mean cpu?\r\n')
  })
})

describe('on a pseudo-terminal', () => {
  test('ends on Ctrl-C and SIGTERM and restores it, and draws again after SIGSTOP and at another size', async () => {
    const finish = async (end: (screen: Display) => void) => {
      const screen = await topOnPty()
      end(screen)
      return [await screen.ended, screen.output.startsWith(enters), screen.output.endsWith(leaves)]
    }
    const some = ends.filter(([name]) => name === 'Ctrl-C' || name === 'SIGTERM')
    const finished = await Promise.all(some.map(([, end]) => finish(end)))
    expect(finished).toEqual(Array(2).fill([{ code: 0, restored: true }, true, true]))
    const screen = await topOnPty()
    screen.signal(SIGSTOP)
    screen.signal(SIGCONT)
    await screen.until(
      ({ output }) => output.lastIndexOf('\u001b[H') > output.indexOf(enters, 1) && output.indexOf(enters, 1) > 0,
    )
    screen.resize(8, 40)
    await screen.until(({ frame }) => frame.length === 8)
    screen.type('q')
    expect(await screen.ended).toEqual({ code: 0, restored: true })
  })
})

describe('without a terminal', () => {
  const runTop = (...words: string[]) => runHere(['top', ...words], { env: { INTROSPECTD_URL: live.url } })

  test('prints the given number of complete tables without colours', async () => {
    const { code, stdout, stderr } = await runTop('-n', '2', '-d', '0.1', '--sort', 'fds')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('\u001b')
    expect(stdout.match(/^introspectd .* \(linux\)/gm)).toHaveLength(2)
    expect(stdout.match(new RegExp(`^ *${hog.pid} {2}fd-hog `, 'gm'))).toHaveLength(2)
  })

  test('ends without an error when its reader has gone', async () => {
    const under = ['bash', '-c', 'set -o pipefail; "$0" "$@" | head -n 1']
    const { code, stdout, stderr } = await run(['top', '-d', '0.1'], { env: { INTROSPECTD_URL: live.url }, under })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^introspectd .*\n$/)
  })

  test.each([
    [['-n', '0'], /^--count 0: Too small: expected number to be >=1$/],
    [['-d', 'soon'], /^--delay "soon": expected a number$/],
    [['--sort', 'uidd'], /^--sort: there is no column uidd; did you mean uid\?$/],
    [['everything'], /^too many arguments for 'top'/],
  ])('%j is refused: %s', async (words, reason) => {
    const { code, stdout, stderr } = await runTop(...words)
    expect([code, stdout]).toEqual([1, ''])
    expect(/^introspectd: (.*)\n$/.exec(stderr)?.[1]).toMatch(reason)
  })
})
