/**
 * Tells what the sockets are that processes hold. In a pass first the descriptors of all processes are looked through,
 * then the kernel is asked for its sockets, so that what it says is newer: a socket that changes after that is one of a
 * process that ran after it, which is read again.
 */

import { readlinkSync } from 'node:fs'
import type { ReportBuilder } from './report-builder.ts'
import type { ProcessRecord } from './scan-records.ts'
import { SockDiag } from './sock-diag.ts'
import { type SocketKind, socketKinds } from './socket-kinds.ts'

// Each takes a descriptor and a dump a pass.
const namespacesMax = 256
const tooMany = `it is in a network namespace past the first ${namespacesMax}`

export class SocketReader {
  private readonly report: ReportBuilder
  private readonly ownNamespace: string
  private readonly byNamespace = new Map<string, SockDiag | string>()
  private readonly due = new Map<ProcessRecord, readonly number[]>()

  constructor(report: ReportBuilder, procRoot: string) {
    this.report = report
    this.ownNamespace = namespaceOf(`${procRoot}/self`) ?? ''
  }

  /** It holds the sockets of these inodes: to be told at the end of the pass. */
  want(process: ProcessRecord, inodes: readonly number[]): void {
    this.due.set(process, inodes)
  }

  /** Preconditions: those that are gone since were forgotten. */
  finishPass(lives: (process: ProcessRecord) => boolean): void {
    const dumps = new Map<string, ReadonlyMap<number, SocketKind> | string>()
    for (const [process, inodes] of this.due) {
      if (!lives(process)) continue
      const counts = inodes.length === 0 ? noSockets : this.count(process, inodes, dumps)
      for (const kind of socketKinds) {
        if (typeof counts === 'string') this.report.unreadable(process, kind, counts)
        else this.report.value(process, kind, counts[kind])
      }
    }
    this.due.clear()
  }

  private count(
    process: ProcessRecord,
    inodes: readonly number[],
    dumps: Map<string, ReadonlyMap<number, SocketKind> | string>,
  ): Record<SocketKind, number> | string {
    const namespace = namespaceOf(process.insidePath)
    if (namespace === null) return 'permission denied: needs CAP_SYS_PTRACE'
    const kinds = dumps.get(namespace) ?? this.dump(namespace, process)
    dumps.set(namespace, kinds)
    if (typeof kinds === 'string') return kinds
    const counts = { ...noSockets }
    for (const inode of inodes) {
      const kind = kinds.get(inode)
      if (kind !== undefined) counts[kind]++
    }
    return counts
  }

  private dump(namespace: string, process: ProcessRecord): ReadonlyMap<number, SocketKind> | string {
    let diag = this.byNamespace.get(namespace)
    if (diag === undefined || typeof diag === 'string') {
      if (this.byNamespace.size >= namespacesMax) this.forgetOthers()
      if (this.byNamespace.size >= namespacesMax) return tooMany
      diag = namespace === this.ownNamespace ? SockDiag.open() : SockDiag.openIn(`${process.insidePath}/ns/net`)
      this.byNamespace.set(namespace, diag)
    }
    return typeof diag === 'string' ? diag : diag.read()
  }

  /** A socket keeps its namespace alive: those of others are given back. */
  forgetOthers(): void {
    for (const [namespace, diag] of this.byNamespace) {
      if (namespace === this.ownNamespace) continue
      if (typeof diag !== 'string') diag.close()
      this.byNamespace.delete(namespace)
    }
  }

  close(): void {
    for (const diag of this.byNamespace.values()) if (typeof diag !== 'string') diag.close()
  }
}

const noSockets: Readonly<Record<SocketKind, number>> = { channels: 0, 'server-ids': 0, connections: 0 }

const namespaceOf = (processPath: string): string | null => {
  try {
    return readlinkSync(`${processPath}/ns/net`)
  } catch {
    return null // gone, or not to be looked at: the reading of its descriptors tells which
  }
}
