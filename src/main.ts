#!/usr/bin/env node
/** The command line: wires the parts and starts them, nothing else. */

import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { type App, buildApp } from './app.ts'
import { runCommandLine } from './cli/command-line.ts'
import { commandsOf } from './cli/commands.ts'
import { CliError } from './cli/error.ts'
import { ConfigError } from './config/error.ts'
import type { Config } from './config.ts'
import { openApi } from './http/openapi.ts'
import { allowedHosts, isLoopback, parseTokens } from './http/security.ts'
import { Kernel } from './kernel/kernel.ts'
import { linuxAbilities } from './sources/linux/abilities.ts'
import { LinuxSource } from './sources/linux/linux-source.ts'
import { SourceError } from './sources/source.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const fail = (message: string): never => {
  process.stderr.write(`introspectd: ${message}\n`)
  process.exit(1)
}

async function serve(config: Config): Promise<void> {
  // Its own name in our tree, and no other: the commands are introspectd too, but not the service.
  process.title = 'introspectd'
  if (config.tokenFile === undefined && !isLoopback(config.host)) {
    fail(`--host ${config.host} is not a loopback address: without --token-file anybody who reaches it could use it`)
  }
  const tokens = config.tokenFile === undefined ? null : readTokens(config.tokenFile)
  const logger = pino({ level: config.logLevel }, pino.destination(2))
  const now = () => Date.now()
  const periods = { fastMs: config.period, fullMs: config.fullPeriod, livesTold: false }
  const kernel = new Kernel({
    abilities: linuxAbilities(periods),
    selfPid: process.pid,
    firstRevision: Math.round(now() * 1000),
    now: now(),
  })
  const source = new LinuxSource(kernel, {
    procRoot: config.procRoot,
    cgroupRoot: config.cgroupRoot,
    periodMs: config.period,
    fullPeriodMs: config.fullPeriod,
    idleBudget: config.idleBudget / 100,
    armedBudget: config.armedBudget / 100,
    periods,
    now,
    onFault: (error) => logger.error({ err: error }, 'a worker of the live source ended'),
  })
  const gate = { tokens, hosts: new Set<string>() }
  const app = buildApp({ kernel, source, gate, logger, version, now })
  await source.start()
  const port = await listen(app, config)
  for (const host of allowedHosts(config.host, port, config.allowHost ?? [])) gate.hosts.add(host)
  announce(config.host, port, tokens !== null)
  closeOnSignals(() => app.close())
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

function announce(host: string, port: number, guarded: boolean): void {
  const place = `${host.includes(':') ? `[${host}]` : host}:${port}`
  const curl = guarded ? 'curl -H "authorization: Bearer $TOKEN"' : 'curl'
  process.stdout.write(`introspectd ${version} listens on http://${place}

What runs here:                         ${curl} '${place}/sys/proc?format=text'
Hear when this service passes 100 fds:  echo 100 | ${curl} -T- ${place}/sys/proc/self/fds/threshold/hog
Watch what happens, as it happens:      ${curl} -N -H 'accept: text/event-stream' ${place}/sys
`)
}

/** A second signal does not wait. */
function closeOnSignals(close: () => Promise<void>): void {
  let closing = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (closing) process.exit(1)
      closing = true
      close().then(
        () => process.exit(0),
        (error: unknown) => fail(`closing failed: ${error instanceof Error ? error.message : String(error)}`),
      )
    })
  }
}

try {
  const commands = commandsOf({ serve, openApi: () => openApi(version) })
  await runCommandLine({ commands, version }, process.argv.slice(2))
} catch (error) {
  if (!(error instanceof ConfigError || error instanceof CliError || error instanceof SourceError)) throw error
  fail(error.message)
}
