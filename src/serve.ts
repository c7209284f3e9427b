/** The service as `introspectd serve` starts it: its parts, its port, the signals that end it, and what it prints first. */

import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { Access } from './access.ts'
import { type App, type AppParts, buildApp } from './app.ts'
import type { CommandIo } from './cli/io.ts'
import { ServiceClock } from './clock.ts'
import { type Config, environment, MiB } from './config.ts'
import { connectionsMax, hostKernel } from './host.ts'
import { allowedHosts } from './http/security.ts'
import { type Kept, openKept } from './keeping.ts'
import { LoopWatch } from './loop-watch.ts'
import { Supervisor } from './supervisor/supervisor.ts'

/** The service cannot listen; the message is one line for a person. */
export class ListenError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ListenError'
  }
}

/**
 * Starts the service; it then runs until a signal ends it.
 * @throws ListenError, and what opening its files, its sources and its storage throws
 */
export async function serve(config: Config, { io, version }: { io: CommandIo; version: string }): Promise<void> {
  // Its own name in our tree, and no other: the commands are introspectd too, but not the service.
  io.setTitle('introspectd')
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
    keepMs: config.historyKeep,
    bytesMax: config.historyMemory * MiB,
    top: config.historyTop,
  }
  const kept = openKept(config, { logger, now })
  // On a virtual clock events follow from the calls alone, so that each run has the same.
  const watched = config.source === 'model' && config.clock === 'virtual' ? {} : { loop: new LoopWatch(), clock }
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
  announce(url, { config, kept, version })
  supervisor?.ready(url)
}

const accessOf = (
  access: Access,
  { connectionsPerAddress, rateLimit, streamsPerClient }: Config,
): Pick<AppParts, 'gate' | 'edge' | 'limits'> => ({
  gate: access,
  edge: { tls: access.tls, connectionsMax: connectionsMax() },
  limits: { connectionsPerAddress, requestsPerSecond: rateLimit, streamsPerClient },
})

/** Where there is nothing to read anew it ends the service, as is usual: so it does when a terminal is closed. */
function reloadOnHangUp(access: Access, { server }: App): void {
  if (!access.hasFiles) return
  process.on('SIGHUP', () => {
    if (access.reload()) server.renewAccess(access.tls)
  })
}

/** @returns the port that is listened on. @throws ListenError */
async function listen(app: App, { host, port }: Config): Promise<number> {
  try {
    await app.server.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EADDRINUSE') throw new ListenError(`port ${port} on ${host} is taken; --port takes another`)
    throw new ListenError(`cannot listen on ${host}:${port}: ${error instanceof Error ? error.message : String(error)}`)
  }
  const [address] = app.server.addresses() as AddressInfo[]
  return address!.port
}

/** What to try first. */
function announce(url: string, { config, kept, version }: { config: Config; kept: Kept; version: string }): void {
  const { source, tokenFile } = config
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
        (error: unknown) => {
          process.stderr.write(
            `introspectd: closing failed: ${error instanceof Error ? error.message : String(error)}\n`,
          )
          process.exit(1)
        },
      )
    })
  }
}
