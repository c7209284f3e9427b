/** Generates clients from the document of a running service, builds them, and runs a program with each. */

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished } from 'vitest'
import { Live } from '../../support/live.ts'

const programs = new URL('programs/', import.meta.url).pathname

/** A directory for one generated client, beside a running service. */
export class Workplace {
  readonly directory: string
  readonly live: Live

  private constructor(directory: string, live: Live) {
    this.directory = directory
    this.live = live
  }

  /** @param version of the OpenAPI document, which is written to `openapi.json` */
  static async create(version: '3.1' | '3.0'): Promise<Workplace> {
    const directory = mkdtempSync(join(tmpdir(), 'introspectd-generated-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const live = await Live.start()
    onTestFinished(async () => {
      await live.stop()
    })
    const document = await (await fetch(`${live.url}/openapi.json?version=${version}`)).text()
    writeFileSync(join(directory, 'openapi.json'), document)
    return new Workplace(directory, live)
  }

  path(name: string): string {
    return join(this.directory, name)
  }

  /** Copies the programs whose names match, and returns their paths. */
  take(name: RegExp, folder = '.'): string[] {
    const names = readdirSync(programs).filter((file) => name.test(file))
    mkdirSync(this.path(folder), { recursive: true })
    return names.map((file) => {
      cpSync(join(programs, file), this.path(join(folder, file)))
      return this.path(join(folder, file))
    })
  }

  /** @throws Error with the output of the command */
  async run(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const options = { cwd: this.directory, env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
    return (await promisify(execFile)(command, args, options)).stdout
  }

  /** Compiles a TypeScript program with the generated code beside it, and returns the path of the JavaScript. */
  async compile(name: string, tools: string): Promise<string> {
    this.take(new RegExp(`^${name}\\.ts$`))
    symlinkSync(join(tools, 'node_modules'), this.path('node_modules'))
    writeFileSync(this.path('tsconfig.json'), readFileSync(new URL('tsconfig.json', import.meta.url)))
    await this.run(process.execPath, [join(tools, 'node_modules/typescript/bin/tsc'), '-p', '.'])
    return this.path(`out/${name}.js`)
  }

  /** Runs a program that prints the results of its operations, and compares them with what the service says. */
  async check(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<void> {
    const { url, pid } = this.live
    const printed: unknown = JSON.parse(await this.run(command, [...args, url, String(pid)], env))
    const { capacity } = await this.live.get('/sys/memory-free')
    expect(printed).toEqual({
      process: 'introspectd',
      entries: 2,
      more: true,
      capacity,
      at: 100_000,
      state: 'armed',
      // The threshold exists, and the program sends If-None-Match.
      again: 412,
      direction: 'rising',
      // It is deleted.
      missing: 404,
    })
  }
}
