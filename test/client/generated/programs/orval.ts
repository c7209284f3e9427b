/** Calls a service through the functions that orval generates; its URL is in the generated code. */

import {
  deleteSysProcPidLimitThresholdName,
  getSysLimit,
  getSysProc,
  getSysProcPid,
  getSysProcPidLimitThresholdName,
  putSysProcPidLimitThresholdName,
} from './generated'

const [, , , pid] = process.argv
const name = 'orval'

async function main(): Promise<void> {
  const self = await getSysProcPid(pid!)
  const list = await getSysProc({ limit: 2 })
  const memory = await getSysLimit('memory-free')
  const onlyNew = { headers: { 'If-None-Match': '*' } }
  const created = await putSysProcPidLimitThresholdName(pid!, 'fds', name, { at: 100_000 }, {}, onlyNew)
  const again = await putSysProcPidLimitThresholdName(pid!, 'fds', name, { at: 100_000 }, {}, onlyNew)
  const read = await getSysProcPidLimitThresholdName(pid!, 'fds', name)
  await deleteSysProcPidLimitThresholdName(pid!, 'fds', name)
  const missing = await getSysProcPidLimitThresholdName(pid!, 'fds', name)
  if (self.status !== 200 || list.status !== 200 || memory.status !== 200 || read.status !== 200)
    throw new Error('read')
  if (created.status !== 201) throw new Error('write')
  console.log(
    JSON.stringify({
      process: self.data.name,
      entries: list.data.entries.length,
      more: list.data.next !== null,
      capacity: memory.data.capacity,
      at: created.data.at,
      state: created.data.state,
      again: again.status,
      direction: read.data.direction,
      missing: missing.status,
    }),
  )
}

void main()
