/**
 * Calls C library functions that Node does not offer, or that must not throw: an exception for each process that has
 * ended would cost more than the reading. Failed calls return -1; `errorNumber()` has the reason until the next call.
 */

import { constants } from 'node:os'
import koffi from 'koffi'

// Takes the symbols from the C library that Node itself runs on.
const library = koffi.load(null)

export function errorNumber(): number {
  return koffi.errno()
}

// A path that is not valid UTF-8 is a buffer, which ends with NUL.
export const openFd: (path: string | Buffer, flags: number) => number = library.func(
  'int open(const char *path, int flags)',
)
export const closeFd: (fd: number) => number = library.func('int close(int fd)')
export const pread: (fd: number, into: Uint8Array, bytes: number, position: number) => number = library.func(
  'long pread(int fd, _Out_ uint8_t *into, size_t bytes, long position)',
)
export const statx: (fd: number, path: string | Buffer, flags: number, mask: number, into: Uint8Array) => number =
  library.func('int statx(int fd, const char *path, int flags, uint32_t mask, _Out_ uint8_t *into)')
/** Flag 1 closes the descriptor on exec. */
export const memfdCreate: (name: string, flags: number) => number = library.func(
  'int memfd_create(const char *name, uint32_t flags)',
)
export const readlink: (path: string, into: Uint8Array, bytes: number) => number = library.func(
  'long readlink(const char *path, _Out_ uint8_t *into, size_t bytes)',
)
export const socket: (domain: number, type: number, protocol: number) => number = library.func(
  'int socket(int domain, int type, int protocol)',
)
export const bind: (fd: number, address: Uint8Array, bytes: number) => number = library.func(
  'int bind(int fd, const uint8_t *address, uint32_t bytes)',
)
export const setsockopt: (fd: number, level: number, name: number, value: Uint8Array, bytes: number) => number =
  library.func('int setsockopt(int fd, int level, int name, const uint8_t *value, uint32_t bytes)')
/** `bytes` is a number of 32 bits: the size of the value before and after the call. */
export const getsockopt: (fd: number, level: number, name: number, value: Uint8Array, bytes: Uint8Array) => number =
  library.func('int getsockopt(int fd, int level, int name, _Out_ uint8_t *value, _Inout_ uint8_t *bytes)')
export const getsockname: (fd: number, address: Uint8Array, bytes: Uint8Array) => number = library.func(
  'int getsockname(int fd, _Out_ uint8_t *address, _Inout_ uint8_t *bytes)',
)
export const send: (fd: number, message: Uint8Array, bytes: number, flags: number) => number = library.func(
  'long send(int fd, const uint8_t *message, size_t bytes, int flags)',
)
export const sendto: (
  fd: number,
  message: Uint8Array,
  bytes: number,
  flags: number,
  address: Uint8Array,
  addressBytes: number,
) => number = library.func(
  'long sendto(int fd, const uint8_t *message, size_t bytes, int flags, const uint8_t *address, uint32_t addressBytes)',
)
export const recv: (fd: number, into: Uint8Array, bytes: number, flags: number) => number = library.func(
  'long recv(int fd, _Out_ uint8_t *into, size_t bytes, int flags)',
)
/** Moves only the calling thread into the namespace. */
export const setns: (fd: number, kind: number) => number = library.func('int setns(int fd, int kind)')
export const recvmmsg: (fd: number, headers: Uint8Array, count: number, flags: number, timeout: null) => number =
  library.func('int recvmmsg(int fd, _Inout_ uint8_t *headers, uint32_t count, int flags, void *timeout)')
export const clockGettime: (clock: number, into: Uint8Array) => number = library.func(
  'int clock_gettime(int clock, _Out_ uint8_t *into)',
)
export const prctl: (option: number, one: number, two: number, three: number, four: number) => number = library.func(
  'int prctl(int option, unsigned long one, unsigned long two, unsigned long three, unsigned long four)',
)
/** The size of a page of memory, in bytes. */
export const pageSize: () => number = library.func('int getpagesize(void)')
const systemCall: (number: number, tid: number, head: Uint8Array, bytes: Uint8Array) => number = library.func(
  'long syscall(long number, int tid, _Out_ uint8_t *head, _Out_ uint8_t *bytes)',
)

const compareCall: (number: number, one: number, other: number, kind: number, index: number, other2: number) => number =
  library.func('long syscall(long number, long one, long other, long kind, long index, long otherIndex)')
const kcmpNumber: Readonly<Record<string, number>> = { x64: 312, arm64: 272 }
const kcmpMemory = 1

/**
 * kcmp(2) with KCMP_VM: 0 if both processes have the same memory, above 0 if not, below 0 if the kernel does not
 * answer.
 */
export function compareMemory(pid: number, other: number): number {
  const number = kcmpNumber[process.arch]
  return number === undefined ? -1 : compareCall(number, pid, other, kcmpMemory, 0, 0)
}

// Called by number, because not every C library has them. The numbers are the same on all architectures.
const openPidfd: (number: number, pid: number, flags: number) => number = library.func(
  'long syscall(long number, int pid, uint32_t flags)',
)
const sendThroughPidfd: (number: number, pidfd: number, signal: number, info: null, flags: number) => number =
  library.func('long syscall(long number, int pidfd, int signal, void *info, uint32_t flags)')

/** A descriptor that names this very process as long as it is open, even after the pid is reused. */
export function pidfdOpen(pid: number): number {
  return openPidfd(434, pid, 0)
}

const kill: (id: number, signal: number) => number = library.func('int kill(int id, int signal)')
const noSuchProcess = 3

/** Whether a thread or process of our own pid namespace exists, whether or not /proc shows it. A zombie does. */
export function idExists(id: number): boolean {
  return kill(id, 0) === 0 || errorNumber() !== noSuchProcess
}

/** Signal 0 only checks whether a signal could be sent. */
export function pidfdSendSignal(pidfd: number, signal: number): number {
  return sendThroughPidfd(424, pidfd, signal, null, 0)
}

const poll: (descriptors: Uint8Array, count: number, milliseconds: number) => number = library.func(
  'int poll(_Inout_ uint8_t *descriptors, unsigned long count, int milliseconds)',
)
const pollIn = 1
const polled = Buffer.alloc(8)

/** Whether a descriptor can be read without waiting: that of a process, once the process has ended. */
export function isReadable(fd: number): boolean {
  polled.writeInt32LE(fd, 0)
  polled.writeInt16LE(pollIn, 4)
  return poll(polled, 1, 0) > 0
}

/** `wanted` and `before` each hold a struct rlimit: soft, then hard. */
export const prlimit: (pid: number, resource: number, wanted: Uint8Array | null, before: Uint8Array | null) => number =
  library.func('int prlimit(int pid, int resource, const uint8_t *wanted, _Out_ uint8_t *before)')

const robustListCall: Readonly<Record<string, number>> = { x64: 274, arm64: 100 }
const robustHead = Buffer.alloc(8)
const robustBytes = Buffer.alloc(8)

/**
 * Address of the head of a thread's list of robust mutexes. glibc has it in the thread's descriptor, at the top of the
 * thread's stack. 0 if there is none or it may not be read.
 */
export function robustListOf(tid: number): number {
  const number = robustListCall[process.arch]
  if (number === undefined || systemCall(number, tid, robustHead, robustBytes) !== 0) return 0
  return robustHead.readUInt32LE(4) * 0x1_0000_0000 + robustHead.readUInt32LE(0)
}

/**
 * Address of a buffer's memory. Preconditions: the buffer comes from `Buffer.alloc` or `Buffer.allocUnsafeSlow`, and
 * stays referenced while the address is used.
 */
export function addressOf(buffer: Uint8Array): bigint {
  return koffi.address(buffer)
}

const errnoNames = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]))

export function nameOfErrno(number: number): string {
  return errnoNames.get(number) ?? `errno ${number}`
}
