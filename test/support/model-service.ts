/** A whole service over the model, on a virtual clock. */

import { pino } from 'pino'
import { buildApp } from '../../src/app/build.ts'
import { HostedModel } from '../../src/app/hosted-model.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { Machine } from '../../src/model/machine.ts'
import { type Differing, Serving } from './service.ts'

export class ModelService extends Serving {
  readonly #model: HostedModel

  constructor({
    tokens = null,
    logger = pino({ level: 'silent' }),
    clock = 'virtual',
    ...rest
  }: Differing & { clock?: 'virtual' | 'real' } = {}) {
    const gate = { tokens, hosts: new Set<string>() }
    const machine = new Machine(new Kernel({ abilities: modelAbilities, firstRevision: 1, now: 0 }))
    const model = new HostedModel(machine, { clock, now: () => 0 })
    const app = buildApp({
      ...rest,
      kernel: machine.kernel,
      source: model.source,
      model,
      gate,
      logger,
      version: '0.0.0',
      now: () => 0,
      firstSequence: 1,
    })
    super(app, gate)
    this.#model = model
  }

  /** The one that is there now. */
  get machine(): Machine {
    return this.#model.machine
  }

  /** Lines of NDJSON, and what each is answered. */
  async calls(body: string): Promise<Record<string, unknown>[]> {
    const headers = { 'content-type': 'application/x-ndjson' }
    const text = await (await this.fetch('/sys/calls', { method: 'POST', headers, body })).text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}
