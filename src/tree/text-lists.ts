/** Arranges the entries of lists for people: what matters least comes last, or is left out with a line that says so. */

import type { PartitionView, ProcessView } from './views.ts'

export interface ArrangedList<Entry> {
  readonly entries: readonly Entry[]
  /** Says which entries are left out; null if none are. */
  readonly note: string | null
}

/** Kernel threads come last. They are most lines of a machine at rest. */
export function arrangeProcesses(views: readonly ProcessView[]): ArrangedList<ProcessView> {
  const [own, others] = [views.filter(isKernelThread), views.filter((view) => !isKernelThread(view))]
  return { entries: [...others, ...own], note: null }
}

export function isKernelThread({ kernelThread }: ProcessView): boolean {
  return kernelThread === true
}

/** systemd makes a partition for each mount. Hardly any ever has a process. */
export function arrangePartitions(views: readonly PartitionView[]): ArrangedList<PartitionView> {
  const entries = views.filter(({ path, usage }) => !(path.endsWith('.mount') && usage.processes === 0))
  const count = views.length - entries.length
  const mounts = count === 1 ? '1 mount without processes is' : `${count} mounts without processes are`
  return { entries, note: count === 0 ? null : `${mounts} not shown here; JSON has all` }
}
