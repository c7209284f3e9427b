/** A real Prometheus scrapes a real service sixty times, with the configuration and the rules of `deploy`. */

import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse, stringify } from 'yaml'
import { excludePort } from '../support/contract/violations.ts'
import { Live } from '../support/live.ts'
import { start } from '../support/programs.ts'
import { until } from '../support/until.ts'

const deploy = new URL('../../deploy/', import.meta.url).pathname
const scrapes = 60

interface Series {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

class Prometheus {
  readonly log: readonly string[]
  readonly #url: string
  readonly #stop: () => Promise<void>

  private constructor(url: string, log: readonly string[], stop: () => Promise<void>) {
    this.#url = url
    this.log = log
    this.#stop = stop
  }

  static async start(directory: string): Promise<Prometheus> {
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(directory, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    )
    process.once('exit', () => child.kill('SIGKILL'))
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    const log: string[] = []
    const listening = new Promise<string>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        log.push(...chunk.toString().trimEnd().split('\n'))
        const address = /msg="Listening on" address=(\S+)/.exec(log.join('\n'))?.[1]
        if (address !== undefined) resolve(`http://${address}`)
      })
      void ended.then(() => reject(new Error(`Prometheus did not start: ${log.join('\n')}`)))
    })
    const url = await listening
    excludePort(new URL(url).port)
    return new Prometheus(url, log, async () => {
      child.kill('SIGTERM')
      await ended
    })
  }

  async #get<Data>(path: string): Promise<Data> {
    const { data } = (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as { data: Data }
    return data
  }

  async query(expression: string): Promise<readonly Series[]> {
    return (await this.#get<{ result: Series[] }>(`query?query=${encodeURIComponent(expression)}`)).result
  }

  /** The value of an expression that has one series. */
  async value(expression: string): Promise<number> {
    const series = await this.query(expression)
    if (series.length !== 1) throw new Error(`${expression} has ${series.length} series`)
    return Number(series[0]!.value[1])
  }

  names(): Promise<readonly string[]> {
    return this.#get('label/__name__/values')
  }

  /** Repeats the query until it has a result. */
  until(expression: string): Promise<readonly Series[]> {
    const options = { everyMs: 200, msMax: 200_000, what: expression }
    return until(
      () => this.query(expression),
      (series) => series.length > 0,
      options,
    )
  }

  stop(): Promise<void> {
    return this.#stop()
  }
}

let directory: string
let live: Live
let prometheus: Prometheus

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-prometheus-'))
  live = await Live.start(['--metrics-groups', 'program', '--metrics-groups-max', '5'])
  const config = parse(readFileSync(join(deploy, 'prometheus.yml'), 'utf8'))
  const [job] = config.scrape_configs
  job.scrape_interval = '500ms'
  job.static_configs[0].targets = [new URL(live.url).host]
  config.global = { evaluation_interval: '500ms' }
  writeFileSync(join(directory, 'prometheus.yml'), stringify(config))
  cpSync(join(deploy, 'prometheus-rules.yml'), join(directory, 'prometheus-rules.yml'))
  prometheus = await Prometheus.start(directory)
})

afterAll(async () => {
  await prometheus.stop()
  await live.stop()
  rmSync(directory, { recursive: true })
})

test('promtool accepts the example and its rules', () => {
  const check = (what: string, file: string) => execFileSync('promtool', ['check', what, join(deploy, file)]).toString()
  expect(check('config', 'prometheus.yml')).toContain('prometheus.yml is valid')
  expect(check('rules', 'prometheus-rules.yml')).toContain('SUCCESS: 4 rules found')
})

test('sixty scrapes at two a second all succeed without a warning, and an alert names the hog', async () => {
  const hog = await start('fd-hog', [5, 3000])
  await live.until(`/sys/proc/${hog.pid}`, ({ pid }) => pid === hog.pid)
  await live.put(`/sys/proc/${hog.pid}/fds/threshold/hog`, { at: 1000 })
  const [alert] = await prometheus.until('ALERTS{alertstate="firing",alertname="IntrospectdThresholdTripped"}')
  expect(alert!.metric).toMatchObject({ job: 'introspectd', severity: 'warning', state: 'tripped' })
  expect(await hog.line()).toBe('opened')

  const over = '{job="introspectd"}[10m]'
  await prometheus.until(`count_over_time(up${over}) >= ${scrapes}`)
  await hog.stop()
  expect(await prometheus.value(`min_over_time(up${over})`)).toBe(1)
  expect(
    await prometheus.query(`count_over_time(ALERTS{alertname=~"IntrospectdDown|IntrospectdScanLate"}[10m])`),
  ).toEqual([])
  // Each sample was taken: the count after relabelling is that of the answer, and no time came twice or too late.
  expect(await prometheus.value(`min_over_time(scrape_samples_scraped${over})`)).toBeGreaterThan(50)
  expect(await prometheus.query('scrape_samples_scraped != scrape_samples_post_metric_relabeling')).toEqual([])
  expect(prometheus.log.filter((line) => !line.includes(' level=info '))).toEqual([])
}, 240_000)

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

/** Their series are there only on some machines, or only with some settings. */
const mayBeEmpty = /_degraded|_reaction_|_pressure_|_journal_(bytes|commit)|_oom_kills/

test('each query of the dashboard is valid, and has a result here', async () => {
  const { panels } = JSON.parse(readFileSync(join(deploy, 'grafana-dashboard.json'), 'utf8')) as Dashboard
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  expect(queries.length).toBeGreaterThan(25)
  await prometheus.until('count_over_time(up{job="introspectd"}[10m]) >= 10')
  for (const query of queries) {
    const expression = query.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '30s')
    const series = await prometheus.query(expression)
    expect([query, Array.isArray(series) && (series.length > 0 || mayBeEmpty.test(query))]).toEqual([query, true])
  }
  const groups = await prometheus.query('count(introspectd_group_processes)')
  expect(Number(groups[0]!.value[1])).toBeLessThanOrEqual(6)
})

test('the series in Prometheus are those of /metrics, with the values of this machine', async () => {
  const text = await (await fetch(`${live.url}/metrics`)).text()
  const names = new Set([...text.matchAll(/^(introspectd_\w+)/gm)].map(([, name]) => name!))
  expect(names.size).toBeGreaterThan(20)
  const known = await prometheus.names()
  expect([...names].filter((name) => !known.includes(name))).toEqual([])

  const { version } = JSON.parse(readFileSync(join(deploy, '../package.json'), 'utf8')) as { version: string }
  const [build] = await prometheus.query('introspectd_build_info')
  expect(build).toMatchObject({ metric: { version, source: 'linux' }, value: [expect.any(Number), '1'] })
  // The hog opened 3,000, and the machine had others before.
  const spread = 'max_over_time(introspectd_system_fds[10m]) - min_over_time(introspectd_system_fds[10m])'
  expect(await prometheus.value(spread)).toBeGreaterThan(2000)
  const processes = execFileSync('ps', ['-e', '-o', 'pid='], { encoding: 'utf8' }).trim().split('\n').length
  const shown = await prometheus.value('introspectd_system_processes')
  expect(shown).toBeGreaterThan(1)
  expect(shown).toBeLessThan(processes * 2)
  // The counters, which never fall, did not.
  for (const counter of ['introspectd_events_total', 'introspectd_system_cpu_seconds_total']) {
    const fallen = (await prometheus.query(`resets(${counter}[10m]) > 0`)).map(({ metric }) => metric)
    expect([counter, fallen]).toEqual([counter, []])
  }
  expect(await prometheus.value('increase(introspectd_system_cpu_seconds_total[1m])')).toBeGreaterThan(0)
  expect(live.output.stderr).toBe('')
})
