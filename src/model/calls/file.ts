/**
 * Implements open, close and write. Charges each process for its descriptors, and for the size of the largest file
 * which it has open for writing. The model stores no contents, only a size for each descriptor: two descriptors of one
 * path do not share their size.
 */

import { KernelError } from '../../kernel/errno.ts'
import type { MachineCore } from '../machine-core.ts'
import type { ModelProcess, OpenFile } from '../objects/model-process.ts'
import type { ModelThread } from '../objects/model-thread.ts'
import { type Progress, success } from './call.ts'
import { charge, needRoom } from './charging.ts'

/**
 * open: opens a file. The model stores no contents, only the size of each file while it is open. Does not block. QNX:
 * open().
 * @param path any name
 * @param write whether it may be written to
 * @param size of the file, in bytes
 * @returns fd, the lowest that is free
 * @throws EMFILE RLIMIT_NOFILE, or no room for a descriptor; EFBIG it is opened for writing, and is larger than a pool
 * allows
 */
export function open(
  machine: MachineCore,
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
  if (write) chargeFileSize(machine, parent)
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
export function close(machine: MachineCore, { parent }: ModelThread, { fd }: { fd: number }): Progress {
  const { writable } = fileOf(parent, fd)
  parent.files.delete(fd)
  parent.ids.fd.giveBack(fd)
  charge(machine, parent, 'fds', -1)
  if (writable) chargeFileSize(machine, parent)
  return success
}

/**
 * write: appends to a file. Does not block. QNX: write().
 * @param fd of the file
 * @param bytes number of bytes by which the file grows
 * @returns bytes
 * @throws EBADF no such descriptor, or not open for writing; EFBIG the file would be larger than RLIMIT_FSIZE or a pool
 * allows
 */
export function write(
  machine: MachineCore,
  { parent }: ModelThread,
  { fd, bytes }: { fd: number; bytes: number },
): Progress {
  const file = fileOf(parent, fd)
  if (!file.writable) throw new KernelError('EBADF', `descriptor ${fd} is not open for writing`)
  // Writing nothing is never refused, even when the file is larger than it may be.
  needRoom(machine, { limit: 'file-size', node: parent, delta: bytes, size: file.size + bytes })
  file.size += bytes
  chargeFileSize(machine, parent)
  return { bytes }
}

/** Size of the largest file which is open for writing. */
function largestSize({ files }: ModelProcess): number {
  let bytes = 0
  for (const { writable, size } of files.values()) if (writable) bytes = Math.max(bytes, size)
  return bytes
}

function chargeFileSize(machine: MachineCore, process: ModelProcess): void {
  charge(machine, process, 'file-size', largestSize(process) - machine.pools.usage(process, 'file-size'))
}
