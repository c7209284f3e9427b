/** Calls a service through openapi-fetch, with the types that openapi-typescript generates. */

import createClient from 'openapi-fetch'
import type { paths } from './generated'

const [, , baseUrl, pid] = process.argv
const client = createClient<paths>({ baseUrl: baseUrl! })
const path = { pid: pid!, limit: 'fds' as const, name: 'openapi-fetch' }
const threshold = '/sys/proc/{pid}/{limit}/threshold/{name}'

function some<T>({ data, error }: { data?: T; error?: { title: string } }): T {
  if (data === undefined) throw new Error(error?.title)
  return data
}

async function main(): Promise<void> {
  const self = some(await client.GET('/sys/proc/{pid}', { params: { path: { pid: pid! } } }))
  const list = some(await client.GET('/sys/proc', { params: { query: { limit: 2 } } }))
  const memory = some(await client.GET('/sys/{limit}', { params: { path: { limit: 'memory-free' } } }))
  const header = { 'If-None-Match': '*' }
  const created = some(await client.PUT(threshold, { params: { path, header }, body: { at: 100_000 } }))
  const again = await client.PUT(threshold, { params: { path, header }, body: { at: 100_000 } })
  const read = some(await client.GET(threshold, { params: { path } }))
  await client.DELETE(threshold, { params: { path } })
  const missing = await client.GET(threshold, { params: { path } })
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
