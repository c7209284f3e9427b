/** Descriptors. */

import { KernelError } from '../../kernel/errno.ts'
import type { Machine } from '../machine.ts'
import type { ModelProcess, OpenFile } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, needRoom } from './charging.ts'

/**
 * open: opens a file; the model keeps no files, only how large each is while it is open. Does not block. QNX: open().
 * @param path any name
 * @param write it may be written to
 * @param size bytes that are in it
 * @returns fd, the lowest that is free
 * @throws EMFILE RLIMIT_NOFILE, or no room for a descriptor; EFBIG it is to be written to, and is larger than a pool lets
 * it
 */
export function open(
  machine: Machine,
  { parent }: ModelThread,
  { path, write = false, size = 0 }: { path: string; write?: boolean; size?: number },
): Progress {
  needRoom(
    machine,
    { limit: 'fds', node: parent, delta: 1 },
    { limit: 'file-size', node: parent, delta: write ? size : 0, size },
  )
  const fd = parent.ids.fd.take()
  parent.files.set(fd, { path, writable: write, size })
  charge(machine, parent, 'fds', 1)
  if (write) measure(machine, parent)
  return { fd }
}

function fileOf({ pid, files }: ModelProcess, fd: number): OpenFile {
  const file = files.get(fd)
  if (file === undefined) throw new KernelError('EBADF', `process ${pid} has no descriptor ${fd}`)
  return file
}

/**
 * close: gives a descriptor back. Does not block. QNX: close().
 * @param fd of the file
 * @throws EBADF no such descriptor
 */
export function close(machine: Machine, { parent }: ModelThread, { fd }: { fd: number }): Progress {
  const { writable } = fileOf(parent, fd)
  parent.files.delete(fd)
  parent.ids.fd.giveBack(fd)
  charge(machine, parent, 'fds', -1)
  if (writable) measure(machine, parent)
  return success
}

/**
 * write: the file grows. Does not block. QNX: write().
 * @param fd of the file
 * @param bytes by how much
 * @returns bytes
 * @throws EBADF no such descriptor, or not open for writing; EFBIG the file would be larger than RLIMIT_FSIZE or a pool
 * lets it
 */
export function write(
  machine: Machine,
  { parent }: ModelThread,
  { fd, bytes }: { fd: number; bytes: number },
): Progress {
  const file = fileOf(parent, fd)
  if (!file.writable) throw new KernelError('EBADF', `descriptor ${fd} is not open for writing`)
  // What writes nothing is never refused, be the file larger than it may be.
  needRoom(machine, { limit: 'file-size', node: parent, delta: bytes, size: file.size + bytes })
  file.size += bytes
  measure(machine, parent)
  return { bytes }
}

function largest({ files }: ModelProcess): number {
  let bytes = 0
  for (const { writable, size } of files.values()) if (writable) bytes = Math.max(bytes, size)
  return bytes
}

function measure(machine: Machine, process: ModelProcess): void {
  charge(machine, process, 'file-size', largest(process) - machine.usage(process, 'file-size'))
}
