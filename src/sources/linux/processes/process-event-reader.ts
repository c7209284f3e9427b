/**
 * Turns the connector's messages into process events, and adds facts that /proc still has of processes that have not
 * ended.
 */

import type { Clocks } from '../native/clocks.ts'
import { readExecutable } from '../native/executable.ts'
import { closeFd, openFd, pread } from '../native/libc.ts'
import { textOfBytes } from '../parse/byte-text.ts'
import { type ConnectorEvent, parseExitStatus } from '../parse/connector.ts'
import { emptyStat, nameOfStat, parseStat } from '../parse/stat.ts'
import { parseStatus } from '../parse/status.ts'
import type { ProcessEvent } from '../protocol.ts'

const openFlags = 0o2000000 // O_RDONLY | O_CLOEXEC
const bytes = Buffer.alloc(4096)
const stat = emptyStat()

function readFile(path: string): number {
  const fd = openFd(path, openFlags)
  if (fd < 0) return -1
  const length = pread(fd, bytes, bytes.length, 0)
  closeFd(fd)
  return length
}

/** Start time in ticks of the process that has the pid now; null if there is none. */
export function readStartTicks(pid: number): number | null {
  const length = readFile(`/proc/${pid}/stat`)
  return length > 0 && parseStat(bytes, length, stat) ? stat.startTicks : null
}

function readName(pid: number): string | null {
  const length = readFile(`/proc/${pid}/comm`)
  return length > 0 ? textOfBytes(bytes, 0, length - 1) : null
}

function readUid(pid: number): number | null {
  const length = readFile(`/proc/${pid}/status`)
  return length > 0 ? parseStatus(bytes.toString('latin1', 0, length)).uid : null
}

/**
 * Processes that end within the batch. They are not read: reading them would fail, and costs most when there are many.
 */
function endedIn(events: readonly ConnectorEvent[]): ReadonlySet<number> {
  const ended = new Set<number>()
  for (const event of events) if (event.what === 'exit' && event.pid === event.tid) ended.add(event.pid)
  return ended
}

type Fork = Extract<ConnectorEvent, { what: 'fork' }>

function forkEvent(event: Fork, at: number, gone: boolean, clocks: Clocks): ProcessEvent {
  const { pid, parent } = event
  const length = gone ? -1 : readFile(`/proc/${pid}/stat`)
  if (length <= 0 || !parseStat(bytes, length, stat)) {
    const startTicks = clocks.startTicks(event.monotonicNs)
    return { what: 'fork', at, pid, parent, startTicks, name: null, kernelThread: false }
  }
  const { startTicks, kernelThread } = stat
  return { what: 'fork', at, pid, parent, startTicks, name: nameOfStat(bytes, stat), kernelThread }
}

function execEvent(pid: number, at: number, gone: boolean): ProcessEvent {
  return gone
    ? { what: 'exec', at, pid, name: null, executable: null, uid: null }
    : { what: 'exec', at, pid, name: readName(pid), executable: readExecutable(`/proc/${pid}`), uid: readUid(pid) }
}

export function processEventsOf(events: readonly ConnectorEvent[], clocks: Clocks): ProcessEvent[] {
  const ended = endedIn(events)
  const processEvents: ProcessEvent[] = []
  for (const event of events) {
    const at = clocks.unixMs(event.monotonicNs)
    switch (event.what) {
      case 'fork':
        processEvents.push(forkEvent(event, at, ended.has(event.pid), clocks))
        break
      case 'exec':
        processEvents.push(execEvent(event.pid, at, ended.has(event.pid)))
        break
      case 'clone':
        processEvents.push({ what: 'clone', at, pid: event.pid, tid: event.tid })
        break
      case 'name':
        processEvents.push({ what: 'name', at, pid: event.pid, tid: event.tid, name: event.name })
        break
      case 'uid':
        processEvents.push({ what: 'uid', at, pid: event.pid, uid: event.uid })
        break
      case 'exit':
        processEvents.push({ what: 'exit', at, pid: event.pid, tid: event.tid, ...parseExitStatus(event.status) })
        break
    }
  }
  return processEvents
}
