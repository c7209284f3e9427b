/** The command line: wires the parts and starts them, nothing else. */

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { Access } from './app/access.ts'
import { type App, type AppParts, buildApp } from './app/build.ts'
import { connectionsMax, hostKernel } from './app/host.ts'
import { type OpenedStorage, openStorage } from './app/storage.ts'
import { runCommandLine } from './cli/command-line.ts'
import { commandsOf } from './cli/commands.ts'
import { CliError } from './cli/error.ts'
import { ConfigError } from './config/error.ts'
import { type Config, environment, MiB } from './config/settings.ts'
import { asyncApi } from './http/asyncapi.ts'
import { openApi } from './http/openapi.ts'
import { allowedHosts } from './http/security/gate.ts'
import { StoreError } from './journal/store.ts'
import { ServiceClock } from './runtime/clock.ts'
import { EventLoopMonitor } from './runtime/event-loop-monitor.ts'
import { Supervisor } from './runtime/supervisor.ts'
import { SourceError } from './sources/source.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

function fail(message: string): never {
  process.stderr.write(`introspectd: ${message}\n`)
  process.exit(1)
}

async function serve(config: Config): Promise<void> {
  // Its own name in our tree, and no other: the commands are introspectd too, but not the service.
  process.title = 'introspectd'
  const logger = pino({ level: config.logLevel }, pino.destination(2))
  const access = new Access(config, logger)
  const clock = new ServiceClock()
  const now = () => clock.now()
  const hosted = hostKernel(config, { logger, clock })
  const supervisor = await Supervisor.find(environment, {
    source: hosted.source,
    onFailure: (reason) => logger.error(`the supervisor cannot be told: ${reason}`),
  })
  const history = {
    everyMs: config.historyEvery,
    retentionMs: config.historyKeep,
    bytesMax: config.historyMemory * MiB,
    top: config.historyTop,
  }
  const kept = openStorage(config, { logger, now })
  // On a virtual clock events follow from the calls alone, so that each run has the same.
  const watched = config.source === 'model' && config.clock === 'virtual' ? {} : { loop: new EventLoopMonitor(), clock }
  const app = buildApp({ ...hosted, ...kept, ...watched, ...accessOf(access, config), logger, version, now, history })
  await hosted.source.start()
  app.restore()
  const port = await listen(app, config)
  for (const host of allowedHosts(config.host, port, config.allowHost ?? [])) access.hosts.add(host)
  const place = `${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`
  // Before anybody knows that it is there, and may end it.
  closeOnSignals(async () => {
    supervisor?.stopping()
    await app.close()
    kept.close()
  })
  const url = `${access.tls === null ? 'http' : 'https'}://${place}`
  reloadOnHangUp(access, app)
  announce(url, config, kept)
  supervisor?.ready(url)
}

function accessOf(
  access: Access,
  { connectionsPerAddress, rateLimit, streamsPerClient }: Config,
): Pick<AppParts, 'gate' | 'edge' | 'limits'> {
  return {
    gate: access,
    edge: { tls: access.tls, connectionsMax: connectionsMax() },
    limits: { connectionsPerAddress, requestsPerSecond: rateLimit, streamsPerClient },
  }
}

/** Where there is nothing to read anew it ends the service, as is usual: so it does when a terminal is closed. */
function reloadOnHangUp(access: Access, { server }: App): void {
  if (!access.hasFiles) return
  process.on('SIGHUP', () => {
    if (access.reload()) server.renewAccess(access.tls)
  })
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

/** What to try first. */
function announce(url: string, { source, tokenFile }: Config, kept: OpenedStorage): void {
  // Curl takes HTTP where no scheme is said.
  const place = url.replace(/^http:\/\//, '')
  const curl = tokenFile === undefined ? 'curl' : 'curl -H "authorization: Bearer $TOKEN"'
  const first =
    source === 'model'
      ? `Make a process:                         ${curl} ${place}/sys/proc -d '{"name":"server"}'
All kernel calls:                       ${curl} '${place}/sys/calls?format=text'`
      : `What runs here:                         ${curl} '${place}/sys/proc?format=text'
Hear when this service passes 100 fds:  echo 100 | ${curl} -T- ${place}/sys/proc/self/fds/threshold/hog`
  process.stdout.write(`introspectd ${version} listens on ${url}
Events are kept ${kept.place}

${first}
Watch what happens, as it happens:      ${curl} -N -H 'accept: text/event-stream' ${place}/sys
`)
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

try {
  const commands = commandsOf({ serve, openApi: () => openApi(version), asyncApi: () => asyncApi(version) })
  await runCommandLine({ commands, version }, process.argv.slice(2))
} catch (error) {
  if (
    !(
      error instanceof ConfigError ||
      error instanceof CliError ||
      error instanceof SourceError ||
      error instanceof StoreError
    )
  )
    throw error
  fail(error.message)
}
