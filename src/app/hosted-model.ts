/** Hosts the model for the service: the machine that clients drive, replaced when a client loads a state. */

import type { Machine } from '../model/machine.ts'
import { importState, type MachineState } from '../model/state/state.ts'
import { MachineScenarios } from '../scenario/in-machine.ts'
import { type ModelOptions, ModelSource } from '../sources/model-source.ts'
import type { Model } from '../tree/context.ts'

export class HostedModel implements Model {
  readonly source: ModelSource
  readonly scenarios: MachineScenarios

  constructor(machine: Machine, options: ModelOptions) {
    this.source = new ModelSource(machine, options)
    this.scenarios = new MachineScenarios(this.source)
  }

  get machine(): Machine {
    return this.source.machine
  }

  get clock(): 'virtual' | 'real' {
    return this.source.clock
  }

  catchUp(): void {
    this.source.catchUp()
  }

  replace(state: MachineState): void {
    this.source.replace(importState(state).machine)
    // The last scenario ran in the former machine.
    this.scenarios.last = null
  }
}
