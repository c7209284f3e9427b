/** Checks introspectd beside an NFS server that does not answer, and as a user with few rights. */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Client } from 'introspectd/client'
import { deadlock, shortProcesses } from './check-programs.ts'
import { until } from './waiting.ts'

const shared = '/srv/shared'
const mount = '/mnt/shared'
const nobody = 65_534

/** The body of a document, also of an error. */
async function bodyOf(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(20_000) }).catch((error: Error) => error)
  return response instanceof Error ? response.message : response.text()
}

/** Null until the server has read its list of exports. */
async function mountShared(): Promise<true | null> {
  const { status } = spawnSync('mount', ['-t', 'nfs4', '-o', 'hard,vers=4.2', '127.0.0.1:/', mount])
  return status === 0 ? true : null
}

/** A hard mount waits for its server without end, and so does each process that looks at a file there. */
export async function silentFileServer(client: Client): Promise<string> {
  mkdirSync(shared, { recursive: true })
  mkdirSync(mount, { recursive: true })
  writeFileSync(`${shared}/log`, 'x'.repeat(5000))
  cpSync('/opt/checks/locks', `${shared}/locks`)
  writeFileSync('/etc/exports', `${shared} 127.0.0.1(rw,no_root_squash,no_subtree_check,insecure,fsid=0)\n`)
  execFileSync('systemctl', ['restart', 'nfs-server'])
  await until('mount', mountShared, () => execFileSync('exportfs', ['-v'], { encoding: 'utf8' }))
  const children: ChildProcess[] = []
  try {
    // One writes to a file there, and the code of the other comes from there.
    children.push(spawn('/bin/sh', ['-c', `exec sleep 3600 3>>${mount}/log`], { stdio: 'ignore' }))
    children.push(spawn(`${mount}/locks`, ['ring', 'normal', '2'], { stdio: 'ignore' }))
    const [holder] = children.map(({ pid }) => pid)
    const fds = `${client.url}/sys/proc/${holder}/fds`
    await until('process with descriptors', async () => ((await bodyOf(fds)).includes('"value"') ? true : null))
    execFileSync('rpc.nfsd', ['0'])
    const births = await shortProcesses(client)
    const ring = await deadlock(client)
    const size = await until('reason why the size of the file is unknown', async () => {
      const body = await bodyOf(`${client.url}/sys/proc/${holder}/file-size`)
      return body.includes('"unavailable"') ? body : null
    })
    return `${births}; deadlock of ${ring}; file-size: ${JSON.parse(size).unavailable}`
  } finally {
    execFileSync('rpc.nfsd', ['4'])
    for (const child of children) child.kill('SIGKILL')
    execFileSync('umount', ['--lazy', mount])
  }
}

/** The reason must be the true one: with the capabilities that it names, the reading succeeds. */
export async function fewRights(): Promise<string> {
  const before = JSON.parse(await fdsOfInitBy([], 7011))
  // From Linux 6.2 on everybody may read the number of descriptors.
  if (before.unavailable === undefined) return `the kernel shows the number to everybody: ${before.value}`
  const named = [...before.unavailable.matchAll(/CAP_(\w+)/g)].map(([, name]) => `+${name!.toLowerCase()}`).join(',')
  if (named === '') throw new Error(`no capability is named: ${before.unavailable}`)
  const after = JSON.parse(await fdsOfInitBy([`--inh-caps=${named}`, `--ambient-caps=${named}`], 7012))
  if (!(after.value > 0)) throw new Error(`with ${named} it is still unknown: ${after.unavailable}`)
  return `without: ${before.unavailable}; with ${named}: ${after.value} descriptors`
}

/** Starts another introspectd as another user, and returns what it says about the descriptors of process 1. */
async function fdsOfInitBy(rights: readonly string[], port: number): Promise<string> {
  const user = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', ...rights]
  const service = ['introspectd', 'serve', '--data', 'memory', '--port', String(port)]
  const child = spawn('setpriv', [...user, ...service], { stdio: ['ignore', 'ignore', 'pipe'] })
  let [last, said] = ['', '']
  child.stderr!.on('data', (chunk) => {
    said += chunk
  })
  const read = async () => {
    last = await bodyOf(`http://127.0.0.1:${port}/sys/proc/1/fds`)
    return /"value":[1-9]|"unavailable"/.test(last) ? last : null
  }
  try {
    return await until('answer that fits', read, () => `${last} ${said}`)
  } finally {
    child.kill('SIGKILL')
  }
}
