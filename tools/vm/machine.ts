/** Boots the disk in QEMU, and collects the lines that the checks write to the second serial port. */

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import type { ResultLine } from './guest/result-line.ts'
import type { Disk } from './image.ts'

interface Run extends Disk {
  readonly msMax: number
  readonly log: (text: string) => void
}

/** Returns when the machine switches itself off. After `msMax` it is ended, and the lines so far are returned. */
export async function runMachine({ kernel, initrd, image, msMax, log }: Run): Promise<ResultLine[]> {
  const consoleFile = join(dirname(image), 'console.log')
  const child = spawn(
    'qemu-system-x86_64',
    [
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-nic', 'none'],
      ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048'],
      ...['-kernel', kernel, '-initrd', initrd],
      ...['-append', 'root=/dev/vda rw console=ttyS0 quiet'],
      ...['-drive', `file=${image},format=raw,if=virtio,cache=unsafe`],
      ...['-serial', `file:${consoleFile}`, '-serial', 'stdio'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })
  const timer = setTimeout(() => {
    log(`not finished after ${msMax / 60_000} minutes; its console, in ${consoleFile}, ends with:`)
    log(readFileSync(consoleFile, 'utf8').slice(-3000))
    child.kill('SIGKILL')
  }, msMax)
  const lines: ResultLine[] = []
  for await (const text of createInterface({ input: child.stdout })) {
    const line = parseLine(text)
    if (line === null) continue
    lines.push(line)
    log(`${line.outcome}: ${line.what}${line.detail === '' ? '' : `: ${line.detail}`}`)
  }
  await ended
  clearTimeout(timer)
  return lines
}

/** Null for text of the firmware or of the kernel. */
function parseLine(text: string): ResultLine | null {
  const [outcome, what, detail] = text.trim().split('\t')
  if ((outcome !== 'passed' && outcome !== 'failed' && outcome !== 'fact') || what === undefined) return null
  return { outcome, what, detail: detail ?? '' }
}
