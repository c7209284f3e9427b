/**
 * Makes the logger: one line an entry on standard error, as text or as JSON. Where standard error is the journal of
 * systemd, each line begins with its level in angle brackets, which the journal takes out.
 */

import { fstatSync } from 'node:fs'
import { type Logger, levels, pino } from 'pino'
import { bounds } from '../base/bounds.ts'

export interface LogOptions {
  readonly level: string
  readonly format: 'text' | 'json'
  /** The device and inode of the journal's socket, as systemd sets it. */
  readonly journalStream: string | undefined
}

/** Levels of syslog by those of pino. */
const priorities: Readonly<Record<string, number>> = { fatal: 2, error: 3, warn: 4, info: 6, debug: 7, trace: 7 }

export function makeLogger({ level, format, journalStream }: LogOptions): Logger {
  const destination = destinationOf()
  const isJournal = journalStream !== undefined && isStream(2, journalStream)
  if (format === 'json' && !isJournal) return pino({ level }, destination)
  const write = (line: string): void => {
    destination.write(lineOf(line, { format, isJournal }))
  }
  return pino({ level }, { write })
}

/** A log that cannot be written, for example on a full disk, waits for room or is lost. It does not end the service. */
function destinationOf(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 2, maxLength: bounds.logBytesMax })
  destination.on('error', () => {})
  return destination
}

function isStream(fd: number, stream: string): boolean {
  try {
    const { dev, ino } = fstatSync(fd)
    return `${dev}:${ino}` === stream
  } catch {
    return false // standard error is closed
  }
}

/** @param json a line of pino */
export function lineOf(json: string, { format, isJournal }: { format: 'text' | 'json'; isJournal: boolean }): string {
  const entry: Record<string, unknown> = JSON.parse(json)
  const level = levels.labels[Number(entry.level)] ?? 'info'
  const prefix = isJournal ? `<${priorities[level] ?? 6}>` : ''
  return `${prefix}${format === 'json' ? json.trimEnd() : textOf(entry, { level, isJournal })}\n`
}

/** The journal has the time, the level and the process already. */
function textOf(entry: Record<string, unknown>, { level, isJournal }: { level: string; isJournal: boolean }): string {
  const { time, level: _, pid: _pid, hostname: _hostname, msg, err, ...rest } = entry
  const head = isJournal ? [] : [new Date(Number(time)).toISOString(), level.padEnd(5)]
  const fault = typeof err === 'object' && err !== null && 'message' in err ? { error: err.message } : {}
  const fields = Object.entries({ ...rest, ...fault }).map(([name, value]) => `${name}=${JSON.stringify(value)}`)
  // A line stays one line, whatever a program or a client has written into it.
  const message = JSON.stringify(String(msg ?? ''))
    .slice(1, -1)
    .replaceAll('\\"', '"')
  return [...head, message, ...fields].join(' ')
}
