/** Builds the journal, the cursors in it, and the hub that sends its events to subscribers. */

import type { FastifyBaseLogger } from 'fastify'
import { bounds } from '../base/bounds.ts'
import type { CursorFact, Fact } from '../journal/facts.ts'
import { Journal } from '../journal/journal.ts'
import { isPosition, ReactionPositions } from '../reactions/positions.ts'
import { type Durable, Durables, parseDurable } from '../stream/durables.ts'
import { Hub } from '../stream/hub.ts'
import type { AppParts } from './build.ts'
import { nodeName } from './reactions.ts'

interface StreamCallbacks {
  readonly onFault: (reason: string | null) => void
  readonly onCommitted: (ms: number) => void
  readonly onPublished: () => void
  /** Everything that clients have set, for a journal that has missed some of it. */
  readonly settingFacts: () => readonly Fact[]
}

export interface Streams {
  readonly journal: Journal
  readonly hub: Hub
  /** The cursors of webhooks and commands. */
  readonly positions: ReactionPositions
}

/** The journal, the durable cursors in it, and the hub that sends its events to subscribers. */
export function buildStreams(
  parts: AppParts,
  { onFault, onCommitted, onPublished, settingFacts }: StreamCallbacks,
): Streams {
  const { source, logger, now, storage = null, firstSequence = Math.round(now() * 1000) } = parts
  const node = nodeName()
  const stored = storage?.store.durables() ?? []
  const journal = new Journal({
    source: node,
    firstSequence,
    eventsMax: bounds.eventsCachedMax,
    storage,
    facts: () => [...settingFacts(), ...durables.all().map(cursorFact), ...positions.facts()],
    persistsSettings: persistsSettings(parts),
    publish: (event) => {
      hub.publish(event)
      onPublished()
    },
    onFault,
    onCommitted,
    now,
  })
  const durables = new Durables({
    restored: restoredDurables(
      stored.filter((text) => !isPosition(text)),
      logger,
    ),
    onChange: (name, durable) =>
      journal.persistCursor(durable === null ? { durable: name, value: null } : cursorFact(durable)),
    now,
  })
  const hub: Hub = new Hub({ log: journal, durables, source: node, now, scanAge: () => source.scanAge() })
  const positions = new ReactionPositions({ stored, persist: (fact) => journal.persistCursor(fact), now })
  return { journal, hub, positions }
}

/** Settings of the model belong to its state, and a restart begins with another model. */
export function persistsSettings({ storage, model = null }: AppParts): boolean {
  return storage !== undefined && model === null
}

function cursorFact(durable: Durable): CursorFact {
  return { durable: durable.name, value: JSON.stringify(durable) }
}

function restoredDurables(texts: readonly string[], logger: FastifyBaseLogger): Durable[] {
  return texts.flatMap((text) => {
    try {
      return [parseDurable(text)]
    } catch (err) {
      logger.error({ err, text }, 'the journal has a durable subscription that cannot be read: it is dropped')
      return []
    }
  })
}
