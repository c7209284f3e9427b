/** Reports that the procfs hides processes: those known to be alive, and by some mount options unknown ones too. */

import type { Kernel } from '../../../kernel/kernel.ts'
import type { SourceDegradations } from '../degradations.ts'
import { hidingOption } from '../native/proc-options.ts'
import type { HiddenProcesses } from './hidden-processes.ts'

// A list of thousands of mounts takes time to read, and mount options change seldom.
const optionEvery = 60

interface Parts {
  readonly kernel: Kernel
  readonly degradations: SourceDegradations
  readonly hidden: HiddenProcesses
  readonly procRoot: string
}

export class HiddenDegradation {
  readonly #parts: Parts
  /** The mount option that hides processes; null if none does. */
  #option: string | null = null
  #scans = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Called after each comparison with an inventory, outside an update. */
  check(): void {
    const { kernel, degradations, hidden, procRoot } = this.#parts
    if (this.#scans++ % optionEvery === 0) this.#option = hidingOption(procRoot)
    kernel.usage.hasUnseen = hidden.count > 0 || this.#option !== null
    if (kernel.usage.hasUnseen) degradations.degrade('hidden-processes', this.#reason())
    else degradations.recover('hidden-processes')
  }

  #reason(): string {
    const { hidden, procRoot } = this.#parts
    const { count, first } = hidden
    const known = first === null ? '' : ` ${count} are known to be alive (first: process ${first[0]}: ${first[1]}).`
    const option = `${procRoot} is mounted with ${this.#option} (ProtectProc= in a systemd unit), which hides processes`
    const cause = this.#option === null ? `${procRoot} does not show all processes` : `${option}: needs CAP_SYS_PTRACE`
    return `${cause}.${known} Sums are lower bounds`
  }
}
