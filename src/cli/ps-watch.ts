/** `introspectd ps --watch`: prints the processes, then a line for each that starts, changes or ends. */

import type { ServiceEvent } from '../client/client.ts'
import type { Column } from '../tree/definition.ts'
import { processColumns } from '../tree/nodes/directories.ts'
import { partitionPath } from '../tree/partition-name.ts'
import { alignTable } from '../tree/text.ts'
import type { ProcessView } from '../tree/views.ts'
import { followEvents } from './follow-events.ts'
import type { CommandIo } from './io.ts'
import { printTable } from './print.ts'
import { type Chosen, hasName, readProcesses } from './process-table.ts'
import type { ServiceConnection } from './service-connection.ts'

interface Row extends ProcessView {
  /** Empty for a process that was there at the start. */
  readonly event: string
}

const columns: readonly Column<Row>[] = [
  { title: 'EVENT', align: 'left', cell: ({ event }) => event },
  ...processColumns,
]

/** The width of `partition`, the longest of usual events. */
const eventWidth = 9

interface Watched {
  readonly io: CommandIo
  readonly options: Chosen
  readonly by: (processes: readonly ProcessView[]) => readonly ProcessView[]
}

/** @throws CliError */
export async function followProcesses(connection: ServiceConnection, { io, options, by }: Watched): Promise<void> {
  const { processes, cursor, hiddenPids } = await readProcesses(connection, options)
  const initial = by(processes).map((process) => ({ ...process, event: '' }))
  const { text, widths } = alignTable(columns, initial, [eventWidth])
  printTable(io, text)
  const rows = new RowsByEvents(options, { processes, hiddenPids })
  await followEvents(
    connection,
    { path: '/sys', types: ['process.created', 'process.changed', 'process.died'], after: cursor },
    {
      ending: io.endOnSignals().signal,
      onEvent: (event) => {
        const row = rows.rowOf(event)
        if (row !== null) printTable(io, alignTable(columns, [row], widths).text.replace(/^.*\n/, ''))
      },
      onNotice: (notice) => void io.stderr.write(`introspectd: ${notice}\n`),
    },
  )
}

interface Known {
  readonly processes: readonly ProcessView[]
  readonly hiddenPids: ReadonlySet<number>
}

/** Turns events into rows. An event says who a process is, and not what it uses: a row shows no usage of earlier. */
class RowsByEvents {
  readonly #chosen: Chosen
  readonly #shown = new Map<number, ProcessView>()
  readonly #hidden: Set<number>

  constructor(chosen: Chosen, { processes, hiddenPids }: Known) {
    this.#chosen = chosen
    for (const process of processes) this.#shown.set(process.pid, process)
    this.#hidden = new Set(hiddenPids)
  }

  /** Null for a process that is not chosen. */
  rowOf(event: ServiceEvent): Row | null {
    if (event.type === 'process.created') return this.#created(event.data)
    if (event.type === 'process.changed') return this.#changed(event.data)
    if (event.type === 'process.died') return this.#died(event.data)
    return null
  }

  #created(data: Created): Row | null {
    if (data.kernelThread && !this.#chosen.all) {
      this.#hidden.add(data.pid)
      return null
    }
    const { self, ...facts } = data
    const process = { ...facts, path: `/sys/proc/${data.pid}`, state: {}, usage: {}, ...(self && { self }) }
    return this.#show(process, 'started')
  }

  #changed({ what, pid, name, executable, uid, partition, identity }: Changed): Row | null {
    // A kernel thread that executes a program is a process like any other.
    if (this.#hidden.has(pid) && what !== 'exec') return null
    this.#hidden.delete(pid)
    const former = this.#shown.get(pid)
    const started = former?.started ?? '-'
    const parent = former?.parent ?? null
    const { path, state, usage } = { path: `/sys/proc/${pid}`, state: {}, usage: {} }
    return this.#show({ path, pid, identity, started, name, executable, parent, uid, partition, state, usage }, what)
  }

  #died({ pid, code, signal }: Died): Row | null {
    this.#hidden.delete(pid)
    const process = this.#shown.get(pid)
    this.#shown.delete(pid)
    if (process === undefined) return null
    const end = signal ?? (code === null ? 'ended' : `exit ${code}`)
    return { ...process, state: {}, usage: {}, event: end }
  }

  /** A process that was chosen and no longer is leaves with this row. */
  #show(process: ProcessView, event: string): Row | null {
    const wasShown = this.#shown.delete(process.pid)
    const isChosen = hasName(process, this.#chosen) && this.#isIn(process)
    if (isChosen) this.#shown.set(process.pid, process)
    return isChosen || wasShown ? { ...process, event } : null
  }

  #isIn({ partition }: ProcessView): boolean {
    const { part } = this.#chosen
    if (part === undefined) return true
    const top = partitionPath(part)
    return partition === top || (partition?.startsWith(`${top}/`) ?? false)
  }
}

type DataOf<Type extends ServiceEvent['type']> = Extract<ServiceEvent, { type: Type }>['data']
type Created = DataOf<'process.created'>
type Changed = DataOf<'process.changed'>
type Died = DataOf<'process.died'>
