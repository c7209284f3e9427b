/** The command line: wires the parts and starts them, nothing else. */

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { pino } from 'pino'
import { stringify } from 'yaml'
import { type App, buildApp } from './app.ts'
import { type Simulation, simulate } from './cli/simulate.ts'
import { type Config, ConfigError, configHelp, environment, readConfig } from './config.ts'
import { hostKernel } from './host.ts'
import { openApi } from './http/openapi.ts'
import { allowedHosts, isLoopback, parseTokens } from './http/security.ts'
import { Seed } from './scenario/file.ts'
import { SourceError } from './sources/source.ts'
import { Supervisor } from './supervisor/supervisor.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const help = `introspectd ${version}: thresholds and events on the processes and threads of this machine

usage: introspectd [serve] [flags]     serve over HTTP
       introspectd simulate FILE...    run scenarios; --seed N, --quiet
       introspectd openapi             print the OpenAPI document
       introspectd --help | --version

Each flag is also an environment variable: --token-file is INTROSPECTD_TOKEN_FILE.

${configHelp()}`

const fail = (message: string): never => {
  process.stderr.write(`introspectd: ${message}\n`)
  process.exit(1)
}

async function serve(config: Config): Promise<void> {
  // What ps shows, and our own tree: the runtime's name says nothing.
  process.title = 'introspectd'
  if (config.tokenFile === undefined && !isLoopback(config.host)) {
    fail(`--host ${config.host} is not a loopback address: without --token-file anybody who reaches it could use it`)
  }
  const tokens = config.tokenFile === undefined ? null : readTokens(config.tokenFile)
  const logger = pino({ level: config.logLevel }, pino.destination(2))
  const now = () => Date.now()
  const hosted = hostKernel(config, { logger, now })
  const supervisor = await Supervisor.find(environment, {
    source: hosted.source,
    onFailure: (reason) => logger.error(`the supervisor cannot be told: ${reason}`),
  })
  const gate = { tokens, hosts: new Set<string>() }
  const app = buildApp({ ...hosted, gate, logger, version, now })
  await hosted.source.start()
  const port = await listen(app, config)
  for (const host of allowedHosts(config.host, port, config.allowHost ?? [])) gate.hosts.add(host)
  const place = `${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  // Before anybody knows that it is there, and may end it.
  closeOnSignals(() => {
    supervisor?.stopping()
    return app.close()
  })
  announce(place, tokens !== null)
  supervisor?.ready(`http://${place}`)
}

function readTokens(path: string) {
  try {
    return parseTokens(readFileSync(path, 'utf8'))
  } catch (error) {
    return fail(`--token-file ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** @returns the port that is listened on. */
async function listen(app: App, { host, port }: Config): Promise<number> {
  try {
    await app.server.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EADDRINUSE') return fail(`port ${port} on ${host} is taken; --port takes another`)
    return fail(`cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const [address] = app.server.addresses() as AddressInfo[]
  return address!.port
}

function announce(place: string, guarded: boolean): void {
  const curl = guarded ? 'curl -H "authorization: Bearer $TOKEN"' : 'curl'
  process.stdout.write(`introspectd ${version} listens on http://${place}

What runs here:                         ${curl} '${place}/sys/proc?format=text'
Hear when this service passes 100 fds:  echo 100 | ${curl} -T- ${place}/sys/proc/self/fds/threshold/hog
Watch what happens, as it happens:      ${curl} -N -H 'accept: text/event-stream' ${place}/sys
`)
}

function simulationOf(args: readonly string[]): Simulation {
  const options = { seed: { type: 'string' }, quiet: { type: 'boolean', default: false } } as const
  const { values, positionals } = parsed(() => parseArgs({ args: [...args], options, allowPositionals: true }))
  const { seed: text, quiet } = values
  if (positionals.length === 0) return fail('simulate: name the file of a scenario, or several')
  if (text === undefined) return { files: positionals, quiet }
  const seed = Seed.safeParse(/^\d+$/.test(text) ? Number(text) : text)
  return seed.success
    ? { files: positionals, quiet, seed: seed.data }
    : fail(`--seed: ${seed.error.issues[0]?.message}`)
}

function parsed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    return fail(`simulate: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** A second signal does not wait, not even for a worker that is stuck in the kernel, as an exit would. */
function closeOnSignals(close: () => Promise<void>): void {
  let closing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (closing) process.kill(process.pid, 'SIGKILL')
      closing = true
      close().then(
        () => process.exit(0),
        (error: unknown) => fail(`closing failed: ${error instanceof Error ? error.message : String(error)}`),
      )
    })
  }
}

async function main(args: readonly string[]): Promise<void> {
  const [command, ...rest] = args[0]?.startsWith('-') === false ? args : ['serve', ...args]
  if (rest.includes('--help') || rest.includes('-h')) process.stdout.write(help)
  else if (rest.includes('--version')) process.stdout.write(`${version}\n`)
  else if (command === 'openapi') process.stdout.write(stringify(openApi(version)))
  else if (command === 'simulate')
    process.exitCode = await simulate(simulationOf(rest), { events: process.stdout, verdicts: process.stderr })
  else if (command === 'serve') await serve(readConfig(rest))
  else fail(`there is no command ${command}; see introspectd --help`)
}

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof SourceError)) throw error
  fail(error.message)
}
