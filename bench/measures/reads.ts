/**
 * Measures the overhead of reading /proc in this program, compared with a C program that reads the same files through
 * descriptors that stay open.
 */

import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ProcFile, ProcFiles } from '../../src/sources/linux/native/proc-files.ts'
import { emptySchedstat, parseSchedstat } from '../../src/sources/linux/parse/schedstat.ts'
import { start } from '../../test/support/programs.ts'
import { interleave, type Measure, timed } from '../measure.ts'

const rounds = 31
const source = new URL('../programs/open-reads.c', import.meta.url).pathname

export const reads: Measure = {
  name: 'reads',
  needs: { gcc: 'gcc' },
  what: 'schedstat of 4,000 threads read and parsed; the same in C through open descriptors',
  target: { text: '≤ 1.3 times its time', met: ({ ours, reference }) => ours / reference <= 1.3 },
  run: async () => {
    const flock = await start('threads', [100, 40])
    const pids = (await flock.line()).trim()
    const directory = mkdtempSync(join(tmpdir(), 'introspectd-bench-'))
    const program = join(directory, 'open-reads')
    execFileSync('gcc', ['-O2', '-o', program, source])
    const rival = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = createInterface({ input: rival.stdout })[Symbol.asyncIterator]()
    const run = async (text: string): Promise<number> => {
      rival.stdin.write(`${text}\n`)
      return Number((await lines.next()).value!.split(' ')[0])
    }
    await run(pids)
    const openFiles = pids
      .split(' ')
      .flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((tid) => `/proc/${pid}/task/${tid}/schedstat`))
      .map((path) => new ProcFile(path))
    const files = new ProcFiles()
    const schedstat = emptySchedstat()
    const ours = () =>
      timed(() => {
        for (const file of openFiles) {
          const length = files.read(file, true)
          if (!parseSchedstat(files.bytes, length, schedstat)) throw new Error(`${file.path} is not understood`)
        }
      })
    const figures = await interleave(rounds, { ours, reference: async () => (await run('')) / 1e6 })
    const shortage = files.takeShortage()
    if (shortage !== null) throw new Error(shortage)
    rival.stdin.end()
    files.closeAll()
    await flock.stop()
    rmSync(directory, { recursive: true })
    return { ...figures, unit: 'ms' }
  },
}
