/** Checks the unit, partitions of systemd's services, and thresholds over restarts. */

import { execFileSync } from 'node:child_process'
import type { Client } from 'introspectd/client'
import { until } from './waiting.ts'

const systemctl = (...args: string[]) => execFileSync('systemctl', args, { encoding: 'utf8' }).trim()
const propertyOf = (unit: string, name: string) => systemctl('show', unit, '--property', name, '--value')

/** Starts the subject, and returns the path of its partition. */
async function startSubject(client: Client): Promise<`/sys/part/${string}`> {
  systemctl('start', 'subject')
  const pid = Number(propertyOf('subject', 'MainPID'))
  // systemd starts the process in its own partition, and then moves it.
  const partition = await until('partition of the subject', async () => {
    const { body } = await client.get(`/sys/proc/${pid}`)
    return body.partition?.endsWith('subject.service') ? body.partition : null
  })
  return partition as `/sys/part/${string}`
}

export async function unitIsActive(client: Client): Promise<string> {
  const [state, restarts] = [propertyOf('introspectd', 'ActiveState'), propertyOf('introspectd', 'NRestarts')]
  if (state !== 'active' || restarts !== '0') {
    const log = execFileSync('journalctl', ['--unit', 'introspectd', '--lines', '12', '--output', 'cat'])
    throw new Error(`${state}, ${restarts} restarts: ${log}`)
  }
  await client.get('/sys')
  const cpu = Number(propertyOf('introspectd', 'CPUUsageNSec')) / 1e9
  return `${propertyOf('introspectd', 'StatusText')}; ${cpu.toFixed(1)} s of CPU so far`
}

export async function degradations(client: Client): Promise<string> {
  const response = await fetch(`${client.url}/readyz?verbose`)
  const text = await response.text()
  const lines = text.split('\n').filter((line) => line.includes('degraded'))
  if (!response.ok || lines.length > 0) throw new Error(`${response.status}: ${lines.join('; ')}`)
  return 'ready, nothing degraded'
}

export async function figuresOfPartition(client: Client): Promise<string> {
  const path = await startSubject(client)
  const tasks = Number(propertyOf('subject', 'TasksCurrent'))
  const most = [Number(propertyOf('subject', 'MemoryMax')), Number(propertyOf('subject', 'TasksMax'))]
  return until(
    'partition with these figures',
    async () => {
      const [memory, threads] = [await client.get(`${path}/memory`), await client.get(`${path}/threads`)]
      last = `${path}: memory ${JSON.stringify(memory.body)}, threads ${JSON.stringify(threads.body)}; systemd: ${tasks} tasks, most ${most}`
      const isRight =
        memory.body.capacity === most[0] && threads.body.capacity === most[1] && threads.body.value === tasks
      return isRight ? `${tasks} threads of ${most[1]}, memory of ${most[0]} bytes` : null
    },
    () => last,
  )
}
let last = ''

export async function restartedPartition(client: Client): Promise<string> {
  const path = await startSubject(client)
  await client.put(`${path}/memory/threshold/vm-restart`, { at: '99%' })
  for (let times = 0; times < 3; times++) systemctl('restart', 'subject')
  return until(
    'armed threshold on the restarted partition',
    async () => {
      const threshold = await client.get(`${path}/memory/threshold/vm-restart`).catch((error: Error) => error)
      const memory = await client.get(`${path}/memory`).catch((error: Error) => error)
      last = JSON.stringify([threshold, memory].map((one) => (one instanceof Error ? one.message : one.body)))
      if (threshold instanceof Error || memory instanceof Error) return null
      return threshold.body.state === 'armed' && memory.body.capacity !== null ? `armed at ${path}` : null
    },
    () => last,
  )
}

export async function setThresholds(client: Client): Promise<string> {
  await client.put('/sys/fds/threshold/vm-reboot', { at: 1_000_000 })
  const { body } = await client.get('/sys/thresholds')
  return `${body.entries.length} thresholds`
}

/** The subject is not started at boot, so the threshold on its partition has to wait for it. */
export async function thresholdsAfterReboot(client: Client): Promise<string> {
  const system = await client.get('/sys/fds/threshold/vm-reboot')
  if (system.body.state !== 'armed') throw new Error(`the one of the system is ${system.body.state}`)
  const path = await startSubject(client)
  return until(
    'armed threshold on the partition',
    async () => {
      const threshold = await client.get(`${path}/memory/threshold/vm-restart`).catch((error: Error) => error)
      last = threshold instanceof Error ? threshold.message : threshold.body.state
      return last === 'armed' ? 'both armed' : null
    },
    () => last,
  )
}
