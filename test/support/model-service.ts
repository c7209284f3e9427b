/** Runs a whole service over the model on a virtual clock. */

import { pino } from 'pino'
import { buildApp } from '../../src/app/build.ts'
import { HostedModel } from '../../src/app/hosted-model.ts'
import { Kernel } from '../../src/kernel/kernel.ts'
import { modelAbilities } from '../../src/model/abilities.ts'
import { Machine } from '../../src/model/machine.ts'
import { type ServiceOptions, Serving } from './service.ts'

export class ModelService extends Serving {
  readonly #model: HostedModel

  constructor({
    tokens = null,
    logger = pino({ level: 'silent' }),
    clock = 'virtual',
    ...rest
  }: ServiceOptions & { clock?: 'virtual' | 'real' } = {}) {
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

  /** The present machine. Loading a state replaces it. */
  get machine(): Machine {
    return this.#model.machine
  }

  /** Sends kernel calls as NDJSON and returns the reply to each. */
  async calls(body: string): Promise<Record<string, unknown>[]> {
    const headers = { 'content-type': 'application/x-ndjson' }
    const text = await (await this.fetch('/sys/calls', { method: 'POST', headers, body })).text()
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }
}
