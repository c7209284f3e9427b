/** Calls a service through the client that OpenAPI Generator makes for TypeScript. */

import { Configuration, ProcessesApi, ResponseError, SystemApi } from './generated'

const [, , basePath, pid] = process.argv
const configuration = new Configuration({ basePath: basePath! })
const [system, processes] = [new SystemApi(configuration), new ProcessesApi(configuration)]
const place = { pid: pid!, limit: 'fds' as const, name: 'typescript-fetch' }

async function statusOf(call: Promise<unknown>): Promise<number | null> {
  try {
    await call
    return null
  } catch (error) {
    if (error instanceof ResponseError) return error.response.status
    throw error
  }
}

async function main(): Promise<void> {
  const self = await processes.getSysProcPid({ pid: pid! })
  const list = await system.getSysProc({ limit: 2 })
  const memory = await system.getSysLimit({ limit: 'memory-free' })
  const put = { ...place, ifNoneMatch: '*', thresholdDefinition: { at: 100_000 } }
  const created = await processes.putSysProcPidLimitThresholdName(put)
  const again = await statusOf(processes.putSysProcPidLimitThresholdName(put))
  const read = await processes.getSysProcPidLimitThresholdName(place)
  await processes.deleteSysProcPidLimitThresholdName(place)
  const missing = await statusOf(processes.getSysProcPidLimitThresholdName(place))
  console.log(
    JSON.stringify({
      process: self.name,
      entries: list.entries.length,
      more: list.next !== null,
      capacity: memory.capacity,
      at: created.at,
      state: created.state,
      again,
      direction: read.direction,
      missing,
    }),
  )
}

void main()
