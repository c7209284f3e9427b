/**
 * Measures the time from one of 1,000 watched processes opening descriptors to the notification of an observer: with
 * this service, with Monit at its fastest, and with Prometheus and process-exporter. They run one after the other.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Live } from '../../test/support/live.ts'
import { type Program, start } from '../../test/support/programs.ts'
import { type Measure, median } from '../measure.ts'

const crowdSize = 1000
const opened = 50
const trips = 12
const quietMs = 6_000

interface Outcome {
  /** Median delay in ms. */
  readonly delay: number
  /** Percent of one CPU while the processes are idle. */
  readonly cpu: number
}

/** A monitoring program: `notified` resolves when it reports the process with that pid. */
interface Monitor {
  readonly pids: readonly number[]
  notified(pid: number): Promise<void>
  /** Resolves when it has noticed that the process is below the trip point again. */
  settled(pid: number): Promise<void>
  stop(): Promise<void>
}

const ticksOf = (pid: number): number => {
  const [, , ...rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/[()] ?/)
  const fields = rest.join('').trim().split(' ')
  // utime, stime, and those of the children that were waited for.
  return [11, 12, 13, 14].reduce((sum, place) => sum + Number(fields[place]), 0)
}

async function cpuOf(pids: readonly number[]): Promise<number> {
  const ticks = () => pids.reduce((sum, pid) => sum + ticksOf(pid), 0)
  const [before, begun] = [ticks(), performance.now()]
  await delay(quietMs)
  return ((ticks() - before) * 10 * 100) / (performance.now() - begun)
}

async function contest(crowd: readonly number[], monitor: Monitor): Promise<Outcome> {
  const cpu = await cpuOf(monitor.pids)
  const delays: number[] = []
  for (let trip = 0; trip < trips; trip++) {
    // A random time, so that it has no fixed place in the cycle of a monitor.
    await delay(Math.random() * 1000)
    const pid = crowd[(trip * 83) % crowd.length]!
    const notified = monitor.notified(pid)
    const begun = performance.now()
    process.kill(pid, 'SIGUSR1')
    await notified
    delays.push(performance.now() - begun)
    process.kill(pid, 'SIGUSR2')
    await monitor.settled(pid)
  }
  await monitor.stop()
  return { delay: median(delays), cpu }
}

const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once('exit', () => resolve()))

async function end(child: ChildProcess): Promise<void> {
  const gone = ended(child)
  child.kill('SIGTERM')
  await gone
}

async function ours(): Promise<Monitor> {
  const live = await Live.start()
  await live.put('/sys/fds/threshold/hog', { at: opened, per: 'process' })
  const watcher = await live.watch('/sys?types=threshold.*')
  const eventFor = (type: string) => (pid: number) =>
    watcher
      .until((event) => event.type === type && event.subject === `/sys/proc/${pid}/fds`)
      .then(() => {
        watcher.events.length = 0
      })
  await delay(3_000)
  return {
    pids: [live.pid],
    notified: eventFor('threshold.tripped'),
    settled: eventFor('threshold.cleared'),
    stop: async () => {
      watcher.socket.terminate()
      await live.stop()
    },
  }
}

async function monit(crowd: readonly number[]): Promise<Monitor> {
  const directory = mkdtempSync(join(tmpdir(), 'introspectd-monit-'))
  const alarms = join(directory, 'alarms')
  mkdirSync(alarms)
  const checks = crowd.map((pid) => {
    writeFileSync(join(directory, `${pid}.pid`), `${pid}\n`)
    const touch = (name: string) => `exec "/usr/bin/touch ${alarms}/${name}"`
    const rule = `if filedescriptors > ${opened} then ${touch(`${pid}.tripped`)} else if succeeded then ${touch(`${pid}.cleared`)}`
    return `check process p${pid} with pidfile ${directory}/${pid}.pid\n  ${rule}\n`
  })
  const files = ['log', 'pidfile', 'idfile', 'statefile'].map((what) => `set ${what} ${directory}/${what}\n`)
  const config = join(directory, 'monitrc')
  writeFileSync(config, `set daemon 1\n${files.join('')}${checks.join('')}`)
  chmodSync(config, 0o600)
  const child = spawn('monit', ['-I', '-c', config], { stdio: 'ignore' })
  await delay(5_000)
  const made = (name: string) =>
    new Promise<void>((resolve) => {
      const place = join(alarms, name)
      const watcher = watch(alarms, () => {
        if (!existsSync(place)) return
        watcher.close()
        rmSync(place)
        resolve()
      })
    })
  return {
    pids: [child.pid!],
    notified: (pid) => made(`${pid}.tripped`),
    settled: (pid) => made(`${pid}.cleared`),
    stop: async () => {
      await end(child)
      rmSync(directory, { recursive: true })
    },
  }
}

const exporterPort = 19_256
const prometheusPort = 19_090

async function prometheus(): Promise<Monitor> {
  const directory = mkdtempSync(join(tmpdir(), 'introspectd-prometheus-'))
  const waiting = new Map<string, () => void>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (data: Buffer) => {
      body += data.toString()
    })
    request.on('end', () => {
      response.end('{}')
      for (const { labels, endsAt } of JSON.parse(body) as { labels: { groupname: string }; endsAt: string }[]) {
        const over = Date.parse(endsAt) <= Date.now()
        waiting.get(`${labels.groupname} ${over ? 'cleared' : 'tripped'}`)?.()
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const groups = file('groups.yml', 'process_names:\n  - name: "{{.PID}}"\n    comm:\n      - fd-crowd\n')
  const rule = `{ alert: hog, expr: "namedprocess_namegroup_open_filedesc > ${opened}" }`
  const rules = file('rules.yml', `groups:\n  - { name: hogs, interval: 1s, rules: [${rule}] }\n`)
  const config = file(
    'prometheus.yml',
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [${rules}]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:${port}"] }] }] }
scrape_configs: [{ job_name: processes, static_configs: [{ targets: ["127.0.0.1:${exporterPort}"] }] }]
`,
  )
  const exporter = spawn(
    'prometheus-process-exporter',
    [
      '-config.path',
      groups,
      '-web.listen-address',
      `127.0.0.1:${exporterPort}`,
      '-threads=false',
      '-gather-smaps=false',
      '-children=false',
    ],
    { stdio: 'ignore' },
  )
  const arguments_ = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
  ]
  const child = spawn('prometheus', arguments_, { stdio: 'ignore' })
  await delay(8_000)
  const eventFor = (what: string) => (pid: number) =>
    new Promise<void>((resolve) => waiting.set(`${pid} ${what}`, resolve)).then(() => {
      waiting.delete(`${pid} ${what}`)
    })
  return {
    pids: [child.pid!, exporter.pid!],
    notified: eventFor('tripped'),
    settled: eventFor('cleared'),
    stop: async () => {
      await Promise.all([end(child), end(exporter)])
      server.close()
      server.closeAllConnections()
      rmSync(directory, { recursive: true })
    },
  }
}

/** Each monitor runs once, and several measures use its figures. */
const outcomes = new Map<string, Promise<Outcome>>()

function outcomeOf(name: string, begin: (crowd: readonly number[]) => Promise<Monitor>): Promise<Outcome> {
  const known = outcomes.get(name)
  if (known !== undefined) return known
  const outcome = start('fd-crowd', [crowdSize]).then(async (program: Program) => {
    const crowd = (await program.line()).trim().split(' ').map(Number)
    if (readdirSync(`/proc/${crowd.at(-1)!}/fd`).length >= opened) throw new Error('the crowd has descriptors already')
    const result = await contest(crowd, await begin(crowd))
    await program.stop()
    return result
  })
  outcomes.set(name, outcome)
  return outcome
}

const against = (
  name: string,
  who: string,
  rival: (crowd: readonly number[]) => Promise<Monitor>,
  needs: Measure['needs'] & {},
): readonly [Measure, Measure] => [
  {
    name: `trip-${name}`,
    needs,
    what: `fds of one of 1,000 watched processes pass a threshold → client; ${who}`,
    target:
      name === 'monit' ? { text: '≥ 20 times sooner', met: (figures) => figures.reference / figures.ours >= 20 } : null,
    run: async () => {
      const [mine, theirs] = [await outcomeOf('ours', ours), await outcomeOf(name, rival)]
      return { ours: mine.delay, reference: theirs.delay, unit: 'ms' }
    },
  },
  {
    name: `trip-${name}-cpu`,
    needs,
    what: `CPU of the same while the processes are idle; ${who}`,
    target: name === 'monit' ? { text: 'no more', met: (figures) => figures.ours <= figures.reference } : null,
    run: async () => {
      const [mine, theirs] = [await outcomeOf('ours', ours), await outcomeOf(name, rival)]
      return { ours: mine.cpu, reference: theirs.cpu, unit: '%' }
    },
  },
]

export const [tripMonit, tripMonitCpu] = against('monit', 'Monit, cycle of 1 s', monit, {
  monit: 'monit',
})
export const [tripPrometheus, tripPrometheusCpu] = against(
  'prometheus',
  'Prometheus and process-exporter at 1 s',
  prometheus,
  { prometheus: 'prometheus', 'prometheus-process-exporter': 'prometheus-process-exporter' },
)
