/** Tests that a command does not get the capabilities of the service that runs it. */

import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findUser } from '../../src/reactions/user.ts'
import { Live } from '../support/live.ts'
import { capabilitiesOfUnit, nobodyWith } from '../support/nobody-with.ts'
import { until } from '../support/until.ts'

let directory: string
let service: Live | null = null

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-commands-'))
})

afterEach(async () => {
  await service?.stop('SIGKILL')
  rmSync(directory, { recursive: true })
})

test.runIf(findUser('nobody')?.uid === 65_534)(
  'a command has no capabilities, and the service still has its own',
  async () => {
    const file = join(directory, 'status')
    const script = `cat /proc/self/status > ${file}.new; mv ${file}.new ${file}`
    const command = ['/bin/sh', '-c', script]
    const config = join(directory, 'introspectd.yaml')
    writeFileSync(
      config,
      JSON.stringify({ exec: [{ name: 'a', user: 'nobody', command, types: ['threshold.tripped'] }] }),
    )
    chmodSync(directory, 0o777)
    service = await Live.start(['--data', 'memory', '--config', config], { under: nobodyWith(capabilitiesOfUnit) })
    await service.put('/sys/processes/threshold/many', { at: 1 })
    await until(
      () => existsSync(file),
      (exists) => exists,
    )
    const capabilities = (path: string) =>
      Object.fromEntries(
        [...readFileSync(path, 'utf8').matchAll(/^(Cap(?:Prm|Eff|Amb)):\t(\w+)$/gm)].map(([, name, bits]) => [
          name,
          bits,
        ]),
      )
    const none = '0000000000000000'
    expect(capabilities(file)).toEqual({ CapPrm: none, CapEff: none, CapAmb: none })
    const own = capabilities(`/proc/${service.pid}/status`)
    expect(own.CapEff).not.toBe(none)
    expect(own.CapEff).toBe(own.CapPrm)
  },
)
