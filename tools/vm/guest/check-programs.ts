/** Checks what introspectd reports about programs that misbehave. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Client, ServiceEvent } from 'introspectd/client'
import { eventOf } from './waiting.ts'

/** Runs the work while the program runs, and then ends it. */
async function during<T>(name: string, args: readonly string[], work: (child: ChildProcess) => Promise<T>): Promise<T> {
  const child = spawn(`/opt/checks/${name}`, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  try {
    await once(createInterface({ input: child.stdout! }), 'line')
    return await work(child)
  } finally {
    child.kill('SIGKILL')
  }
}

export async function shortProcesses(client: Client): Promise<string> {
  const count = 100
  const { cursor } = await client.get('/sys')
  execFileSync('/bin/sh', ['-c', `for n in $(seq ${count}); do /bin/true; done`])
  const [born, died] = [new Set<string>(), new Set<string>()]
  const signal = AbortSignal.timeout(60_000)
  for await (const item of client.watch('/sys', { types: ['process.*', 'events.lost'], after: cursor, signal })) {
    if (item.type === 'events.lost') throw new Error('events were lost')
    if (item.type === 'process.created') born.add(item.subject)
    if (item.type === 'process.died' && born.has(item.subject)) died.add(item.subject)
    if (died.size >= count) return `${born.size} births and ${died.size} deaths`
  }
  throw new Error(`${born.size} births and ${died.size} deaths of ${count}`)
}

export async function fdHog(client: Client): Promise<string> {
  const { cursor } = await client.get('/sys')
  await client.put('/sys/fds/threshold/vm-hog', { at: 400, per: 'process' })
  return during('fd-hog', ['0', '500'], async ({ pid }) => {
    const types = ['threshold.tripped'] as const
    const { subject } = await eventOf(client, { types, after: cursor, is: isOf(pid) })
    return subject
  })
}

export async function recursion(client: Client): Promise<string> {
  const { cursor } = await client.get('/sys')
  await client.put('/sys/stack/threshold/vm-deep', { at: '50%', per: 'thread' })
  const others: string[] = []
  return during('recursion', ['sleep', '80'], async ({ pid }) => {
    const is = (event: ServiceEvent) => {
      if (isOf(pid)(event)) return true
      if (event.subject.includes('/stack')) others.push(event.subject)
      return false
    }
    const { subject } = await eventOf(client, { types: ['threshold.tripped'], after: cursor, is })
    if (others.length > 0) throw new Error(`other threads tripped too: ${others.join(', ')}`)
    return subject
  })
}

export async function deadlock(client: Client): Promise<string> {
  const { cursor } = await client.get('/sys')
  return during('locks', ['ring', 'normal', '2'], async ({ pid }) => {
    const is = ({ data }: ServiceEvent) =>
      'members' in data && data.members.every(({ path }) => path.startsWith(`/sys/proc/${pid}/`))
    const { data } = await eventOf(client, { types: ['deadlock.detected'], after: cursor, is })
    return 'members' in data ? data.members.map(({ path }) => path).join(' and ') : ''
  })
}

function isOf(pid: number | undefined): (event: ServiceEvent) => boolean {
  return ({ subject }) => subject.startsWith(`/sys/proc/${pid}/`)
}
