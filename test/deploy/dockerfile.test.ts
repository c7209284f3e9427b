/**
 * Tests the Dockerfile without Docker: parses it, runs its steps in directories, and starts its last command.
 */

import { execFile, execFileSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Copy, DockerfileParser, From, type Instruction, JSONInstruction } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { excludePort } from '../support/contract/violations.ts'
import { Live, run } from '../support/live.ts'

const root = new URL('../../', import.meta.url).pathname
const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
const instructions = DockerfileParser.parse(text).getInstructions()
const path = `${dirname(process.execPath)}:${process.env.PATH}`

const all = (keyword: string): Instruction[] => instructions.filter((one) => one.getKeyword() === keyword)
const argumentsOf = (one: Instruction): string[] => one.getArguments().map((argument) => argument.getValue())
const contentOf = (keyword: string): string => all(keyword).at(-1)!.getArgumentsContent()!
const jsonOf = (keyword: string): string[] =>
  all(keyword)
    .filter((one) => one instanceof JSONInstruction)
    .at(-1)!
    .getJSONStrings()
    .map((string) => string.getJSONValue())

/** Command of the health check. */
const healthCheck = (): string[] => JSON.parse(contentOf('HEALTHCHECK').slice('CMD '.length))
/** Environment of the container. */
const environment = Object.fromEntries(argumentsOf(all('ENV').at(-1)!).map((pair) => pair.split('=')))

test('the Dockerfile is valid, and its user is an unprivileged number', () => {
  expect(validate(text)).toEqual([])
  expect(all('FROM').map((one) => one instanceof From && one.getImage())).toEqual(
    Array(2).fill('node:24-bookworm-slim'),
  )
  expect(contentOf('USER')).toMatch(/^[1-9]\d{3,}:[1-9]\d{3,}$/)
  expect(contentOf('EXPOSE')).toBe(environment.INTROSPECTD_PORT)
})

test('.dockerignore admits exactly the files that are copied', () => {
  const copied = all('COPY')
    .filter((one) => one instanceof Copy && one.getFromFlag() === null)
    .flatMap((one) => argumentsOf(one).slice(0, -1))
  const [everything, ...exceptions] = readFileSync(join(root, '.dockerignore'), 'utf8').trim().split('\n')
  expect(everything).toBe('*')
  expect(new Set(exceptions.map((line) => line.slice(1)))).toEqual(new Set(copied))
})

/** Executes the steps. Each stage has a directory that serves as its root. */
class Build {
  readonly #directory: string
  #stage = ''
  #place = '/'

  constructor(directory: string) {
    this.#directory = directory
  }

  /** Returns the real path of a path in the present or another stage. */
  real(path: string, stage = this.#stage): string {
    return join(this.#directory, stage, path.startsWith('/') ? path : join(this.#place, path))
  }

  async take(one: Instruction): Promise<void> {
    if (one instanceof From) this.#stage = one.getBuildStage() ?? 'last'
    else if (one.getKeyword() === 'WORKDIR') {
      this.#place = one.getArgumentsContent()!
      mkdirSync(this.real('.'), { recursive: true })
    } else if (one instanceof Copy) this.#copy(one)
    else if (one.getKeyword() === 'RUN') {
      const env = { ...process.env, PATH: path }
      await promisify(execFile)('sh', ['-c', one.getArgumentsContent()!], { cwd: this.real('.'), env })
    }
  }

  #copy(one: Copy): void {
    const from = one.getFromFlag()?.getValue() ?? null
    const paths = argumentsOf(one)
    const to = paths.at(-1)!
    for (const path of paths.slice(0, -1)) {
      const source = from === null ? join(root, path) : this.real(path, from)
      // Like Docker, copies the contents of a directory and not the directory itself.
      const target = statSync(source).isDirectory() ? to : join(to, basename(path))
      cpSync(source, this.real(target), { recursive: true, verbatimSymlinks: true })
    }
  }
}

let directory: string
let image: string

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'introspectd-image-'))
  chmodSync(directory, 0o755)
  const build = new Build(directory)
  for (const one of instructions) await build.take(one)
  image = build.real('.')
}, 300_000)

afterAll(() => rmSync(directory, { recursive: true }))

const user = Number(contentOf('USER').split(':')[0])

test('the last stage contains the runtime dependencies and no development dependencies', () => {
  expect(readdirSync(image).sort()).toEqual(['data', 'dist', 'node_modules', 'package.json'])
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(image, 'package.json'), 'utf8')) as Record<
    'dependencies' | 'devDependencies',
    Record<string, string>
  >
  const installed = execFileSync('npm', ['ls', '--omit=dev', '--parseable', '--depth=0'], {
    cwd: image,
    encoding: 'utf8',
  })
  for (const name of Object.keys(dependencies)) expect(installed).toContain(`/node_modules/${name}\n`)
  for (const name of Object.keys(devDependencies)) expect(installed).not.toContain(`/node_modules/${name}\n`)
})

test.each(['127.0.0.1', '::1', '0.0.0.0', '::'])(
  'the entry point serves at %s as the unprivileged user, and the health check succeeds there',
  async (host) => {
    const tokens = join(directory, 'tokens')
    writeFileSync(tokens, 'ha-1 control 0123456789abcdef\n')
    const data = join(image, 'data')
    const env = {
      ...environment,
      PATH: path,
      INTROSPECTD_HOST: host,
      INTROSPECTD_TOKEN_FILE: tokens,
      INTROSPECTD_DATA: data,
    }
    const live = await Live.start([], { command: jsonOf('ENTRYPOINT'), cwd: image, uid: user, env })
    const check = { command: healthCheck(), uid: user, env: { ...env, INTROSPECTD_PORT: new URL(live.url).port } }
    expect(await run([], check)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(live.output.stdout).toContain(`\nEvents are stored in ${data}\n`)
    expect(await live.stop()).toBe(0)
    expect((await run([], check)).code).toBe(1)
  },
)

test('the health check fails while the service is not ready', async () => {
  const server = createServer((_request, response) => response.writeHead(503).end('not ready\n'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  excludePort(port)
  const env = { ...environment, PATH: path, INTROSPECTD_PORT: String(port) }
  expect((await run([], { command: healthCheck(), env })).code).toBe(1)
  server.close()
})
