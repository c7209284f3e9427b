/**
 * Finds the kind of each socket by its inode. Lists the kernel's sockets once a pass for each network namespace in use.
 */

import { readlinkSync } from 'node:fs'
import { SockDiag } from '../native/sock-diag.ts'
import { kindsOf, type SocketKind } from './socket-kinds.ts'

export type Kinds = ReadonlyMap<number, SocketKind>

// Accepted sockets are remembered for the most recently used namespaces, up to this number.
const namespacesMax = 256
const copied = 'the sockets of a copy of /proc are unknown: only the kernel can list them'

export class SocketIndex {
  /** Sockets that the kernel listed since the pass began, and namespaces that were queried. */
  socketsListed = 0
  namespacesQueried = 0
  readonly #isProc: boolean
  readonly #ownNamespace = namespaceOf('/proc/self')
  #own: SockDiag | string | null = null
  readonly #former = new Map<string, Kinds>()
  readonly #inPass = new Map<string, Kinds | string>()

  constructor({ isProc }: { isProc: boolean }) {
    this.#isProc = isProc
  }

  startPass(): void {
    this.#inPass.clear()
    this.socketsListed = 0
    this.namespacesQueried = 0
  }

  /** Kinds in the network namespace of the process with this directory. Returns the reason if they are unknown. */
  kindsFor(processPath: string): Kinds | string {
    if (!this.#isProc) return copied
    const namespace = namespaceOf(processPath)
    if (namespace === null) return 'its network namespace cannot be read'
    const kinds = this.#inPass.get(namespace) ?? this.#query(namespace, processPath)
    this.#inPass.set(namespace, kinds)
    return kinds
  }

  #query(namespace: string, processPath: string): Kinds | string {
    this.namespacesQueried++
    const sockets = namespace === this.#ownNamespace ? this.#readOwn() : readOther(processPath)
    if (typeof sockets === 'string') return sockets
    this.socketsListed += sockets.length
    const kinds = kindsOf(sockets, this.#former.get(namespace) ?? new Map())
    this.#former.delete(namespace)
    this.#former.set(namespace, kinds)
    for (const oldest of this.#former.keys()) {
      if (this.#former.size <= namespacesMax) break
      this.#former.delete(oldest)
    }
    return kinds
  }

  #readOwn() {
    this.#own ??= SockDiag.open()
    return typeof this.#own === 'string' ? this.#own : this.#own.read()
  }

  close(): void {
    if (this.#own instanceof SockDiag) this.#own.close()
  }
}

/** The socket is closed at once: left open, it would keep alive a container's namespace after the container's end. */
function readOther(processPath: string) {
  const diag = SockDiag.openIn(`${processPath}/ns/net`)
  if (typeof diag === 'string') return diag
  const sockets = diag.read()
  diag.close()
  return sockets
}

function namespaceOf(processPath: string): string | null {
  try {
    return readlinkSync(`${processPath}/ns/net`)
  } catch {
    return null // gone or not permitted: reading its descriptors finds out which
  }
}
