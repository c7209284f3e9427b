/**
 * Measures the CPU time of a GET of a thread, compared with a bare HTTP server that sends the same bytes and headers.
 * CPU time, because server and client share two cores.
 */

import { execFileSync, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { Live } from '../../test/support/live.ts'
import { start } from '../../test/support/programs.ts'
import { type Figures, interleave, type Measure } from '../measure.ts'

const rounds = 7
const bare = new URL('../programs/bare-server.ts', import.meta.url).pathname

/** CPU time in ns of the thread that serves requests. The live source uses other threads. */
const cpuOf = (pid: number): number => Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0])

/** CPU time per request in µs, with enough concurrent requests to saturate the server. */
function load(url: string, pid: number): number {
  const before = cpuOf(pid)
  const said = execFileSync('wrk', ['-t', '1', '-c', '32', '-d', '2s', url], { encoding: 'utf8' })
  const requests = Number(/(\d+) requests in/.exec(said)?.[1])
  if (/Non-2xx/.test(said) || !(requests > 0)) throw new Error(said)
  return (cpuOf(pid) - before) / 1000 / requests
}

export const httpThread: Measure = {
  name: 'http-thread',
  needs: { wrk: 'wrk' },
  what: 'GET of a thread; raw node:http returning the same bytes (CPU a request)',
  target: { text: '≥ 0.8 of its throughput', met: ({ ours, reference }) => reference / ours >= 0.8 },
  run: async (): Promise<Figures> => {
    const flock = await start('threads', [1, 8])
    const pid = Number(await flock.line())
    // Requests are counted but never refused.
    const live = await Live.start(['--rate-limit', '1000000'])
    const tid = readdirSync(`/proc/${pid}/task`).at(-1)!
    const path = `/sys/proc/${pid}/thread/${tid}`
    await live.until(path, ({ state }) => state === 'SIGSUSPEND')
    const answer = await fetch(`${live.url}${path}`)
    const headers = Object.fromEntries(
      [...answer.headers].filter(([name]) => !/^(date|connection|keep-alive)$/.test(name)),
    )
    const rival = spawn(process.execPath, [bare], { stdio: ['pipe', 'pipe', 'inherit'] })
    rival.stdin.write(`${JSON.stringify({ headers, body: await answer.text() })}\n`)
    const port = await new Promise<number>((resolve) =>
      rival.stdout.once('data', (data: Buffer) => resolve(Number(data))),
    )
    const figures = await interleave(rounds, {
      ours: () => load(`${live.url}${path}`, live.pid),
      reference: () => load(`http://127.0.0.1:${port}/`, rival.pid!),
    })
    rival.stdin.end()
    await live.stop()
    await flock.stop()
    return { ...figures, unit: 'µs' }
  },
}
