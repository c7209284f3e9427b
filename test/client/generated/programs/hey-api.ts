/** Calls a service through the client that hey-api generates. */

import {
  deleteSysProcPidLimitThresholdName,
  getSysLimit,
  getSysProc,
  getSysProcPid,
  getSysProcPidLimitThresholdName,
  putSysProcPidLimitThresholdName,
} from './generated'
import { client } from './generated/client.gen'

const [, , baseUrl, pid] = process.argv
client.setConfig({ baseUrl: baseUrl! })
const path = { pid: pid!, limit: 'fds' as const, name: 'hey-api' }

async function main(): Promise<void> {
  const { data: self } = await getSysProcPid({ path: { pid: pid! }, throwOnError: true })
  const { data: list } = await getSysProc({ query: { limit: 2 }, throwOnError: true })
  const { data: memory } = await getSysLimit({ path: { limit: 'memory-free' }, throwOnError: true })
  const put = { path, headers: { 'If-None-Match': '*' }, body: { at: 100_000 } }
  const { data: created } = await putSysProcPidLimitThresholdName({ ...put, throwOnError: true })
  const again = await putSysProcPidLimitThresholdName(put)
  const { data: read } = await getSysProcPidLimitThresholdName({ path, throwOnError: true })
  await deleteSysProcPidLimitThresholdName({ path, throwOnError: true })
  const missing = await getSysProcPidLimitThresholdName({ path })
  console.log(
    JSON.stringify({
      process: self.name,
      entries: list.entries.length,
      more: list.next !== null,
      capacity: memory.capacity,
      at: created.at,
      state: created.state,
      again: again.error?.status,
      direction: read.direction,
      missing: missing.error?.status,
    }),
  )
}

void main()
