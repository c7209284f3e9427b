/** Follows the events of a path with the client's watch, and says in words what happens to the connection. */

import { type EventPattern, type Notice, type ServiceEvent, UnreachableError } from '../client/client.ts'
import { causeOf, type ServiceConnection } from './service-connection.ts'

export interface EventStreamRequest {
  readonly path: string
  /** Null for all. */
  readonly types: readonly EventPattern[] | null
  /** Cursor to begin after; null for now. */
  readonly after: string | null
}

interface Listener {
  readonly onEvent: (event: ServiceEvent) => void
  readonly onNotice: (text: string) => void
  readonly ending: AbortSignal
}

/**
 * Hands out events until `ending` is aborted. A connection that breaks is made again and goes on where it was.
 * @throws CliError the service refused, or could not be reached at first
 */
export async function followEvents(
  connection: ServiceConnection,
  { path, types, after }: EventStreamRequest,
  { onEvent, onNotice, ending }: Listener,
): Promise<void> {
  const giveUp = new AbortController()
  let firstFailure: Error | null = null
  let state: 'initial' | 'open' | 'broken' = 'initial'
  const watch = connection.client.watch(path, {
    gone: 'oldest',
    signal: AbortSignal.any([ending, giveUp.signal]),
    onNotice: notify,
    ...(types !== null && { types }),
    ...(after !== null && { after }),
  })
  try {
    for await (const event of watch) if (event.type !== 'state') onEvent(event)
  } catch (error) {
    throw connection.explain(error)
  }
  if (firstFailure !== null) throw connection.explain(firstFailure)

  function notify(notice: Notice): void {
    if (notice.what === 'gap') {
      const { after: last, oldest } = notice
      onNotice(`events after ${last} are no longer in the journal, so there is a gap here; going on after ${oldest}`)
    } else if (notice.what === 'connected') {
      if (state !== 'open') onNotice(state === 'broken' ? 'connected again' : `watching ${path} at ${connection.url}`)
      state = 'open'
    } else if (state === 'initial') {
      firstFailure = notice.error
      giveUp.abort()
    } else if (state === 'open') {
      onNotice(`the connection broke (${reasonOf(notice.error)}); trying to go on`)
      state = 'broken'
    }
  }
}

function reasonOf(error: Error): string {
  return error instanceof UnreachableError ? causeOf(error).message : error.message
}
