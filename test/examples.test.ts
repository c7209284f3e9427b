/** Tests that the examples run from a checkout and from the package, as their README says, and explain themselves. */

import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Live } from './support/live.ts'
import { registerStarted } from './support/started.ts'
import { until } from './support/until.ts'

const root = new URL('..', import.meta.url).pathname
const directory = mkdtempSync(join(tmpdir(), 'introspectd-examples-'))
const installed = join(directory, 'node_modules/introspectd/examples')

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
  return (await promisify(execFile)('npm', args, { cwd, env })).stdout
}

beforeAll(async () => {
  // It builds the client too, which the example of the checkout imports.
  const file = (await npm(root, 'pack', '--pack-destination', directory)).trim().split('\n').at(-1)!
  await npm(directory, 'install', '--no-audit', '--no-fund', join(directory, file))
  copyFileSync(join(installed, 'controller.ts'), join(directory, 'controller.mts'))
}, 300_000)

afterAll(() => rmSync(directory, { recursive: true }))

const commands: [string, string, string][] = [
  ['checkout', process.execPath, join(root, 'examples/controller.ts')],
  ['checkout', 'python3', join(root, 'examples/controller.py')],
  ['checkout', 'bash', join(root, 'examples/controller.sh')],
  ['package', process.execPath, join(directory, 'controller.mts')],
  ['package', 'python3', join(installed, 'controller.py')],
  ['package', 'bash', join(installed, 'controller.sh')],
]

test.each(commands)('from the %s, %s %s explains its arguments', (_, command, file) => {
  const readme = readFileSync(join(root, 'examples/README.md'), 'utf8')
  const shown = /^usage: .*?(?=^```$)/ms.exec(readme)![0]
  const help = spawnSync(command, [file, '--help'], { encoding: 'utf8' })
  const name = (text: string) => text.replace(/controller\.\w+/, 'controller')
  expect(help).toMatchObject({ status: 0, stderr: '' })
  expect(name(help.stdout)).toBe(name(shown))
  for (const args of [[], ['http://127.0.0.1:7007'], ['a', 'b', 'c', 'd']])
    expect(spawnSync(command, [file, ...args], { encoding: 'utf8' })).toMatchObject({ status: 2, stderr: help.stdout })
})

test.each(commands)(
  'from the %s, %s %s starts its program, and starts it again after its death',
  async (_, command, file) => {
    const live = await Live.start(['--allow-actions'])
    const place = mkdtempSync(join(directory, 'run-'))
    const name = `sleeper-${commands.findIndex((row) => row[2] === file)}`
    symlinkSync(spawnSync('which', ['sleep'], { encoding: 'utf8' }).stdout.trim(), join(place, name))
    writeFileSync(join(place, 'programs'), `${name} ${join(place, name)} 1000\n`)
    const args = [file, live.url, join(place, 'programs'), join(place, 'cursor')]
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    registerStarted(child)
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const started = () => [...output.matchAll(/^started \S+ (\d+)$/gm)].map(([, pid]) => Number(pid))
    onTestFinished(async () => {
      child.kill('SIGKILL')
      // Not `close`: curl, which bash has started, has the pipe until the service ends.
      await once(child, 'exit')
      const last = started().at(-1)
      if (last !== undefined) process.kill(last, 'SIGKILL')
      await live.stop()
    })
    const adopted = (count: number) =>
      until(
        () => output,
        () => started().length === count && output.split('\nadopted ').length === count + 1,
        { what: `it has started the program ${count} times` },
      )
    await adopted(1)
    process.kill(started()[0]!, 'SIGKILL')
    await adopted(2)
    expect(started()[1]).not.toBe(started()[0])
  },
)
