/** What each socket is, by its inode: asked of the kernel for each network namespace that is wanted in a pass. */

import { readlinkSync } from 'node:fs'
import { SockDiag } from '../native/sock-diag.ts'
import { kindsOf, type SocketKind } from './socket-kinds.ts'

export type Kinds = ReadonlyMap<number, SocketKind>

// What was accepted is remembered for so many namespaces, those asked for last.
const namespacesMax = 256
const copied = 'of a copy of /proc the kernel cannot be asked what its sockets are'

export class SocketIndex {
  /** How many sockets the kernel told of since the pass began, and in how many namespaces. */
  told = 0
  asked = 0
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
    this.told = 0
    this.asked = 0
  }

  /** In the namespace of the process whose directory that is; the reason where it is not known. */
  kindsFor(processPath: string): Kinds | string {
    if (!this.#isProc) return copied
    const namespace = namespaceOf(processPath)
    if (namespace === null) return 'its network namespace cannot be told'
    const kinds = this.#inPass.get(namespace) ?? this.#ask(namespace, processPath)
    this.#inPass.set(namespace, kinds)
    return kinds
  }

  #ask(namespace: string, processPath: string): Kinds | string {
    this.asked++
    const sockets = namespace === this.#ownNamespace ? this.#readOwn() : readOther(processPath)
    if (typeof sockets === 'string') return sockets
    this.told += sockets.length
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

/** Nothing stays open there: a socket of ours would keep the namespace of a container alive after its end. */
function readOther(processPath: string) {
  const there = SockDiag.openIn(`${processPath}/ns/net`)
  if (typeof there === 'string') return there
  const sockets = there.read()
  there.close()
  return sockets
}

function namespaceOf(processPath: string): string | null {
  try {
    return readlinkSync(`${processPath}/ns/net`)
  } catch {
    return null // gone, or not to be looked at: the reading of its descriptors tells which
  }
}
