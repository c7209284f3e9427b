/** Everything that is bounded, in one place, each with what happens past it. */

export const bounds = {
  /** Longest request path, in bytes: 414. */
  pathBytesMax: 4_096,
  /** Largest request body: 413. */
  bodyBytesMax: 64 * 1_024,
  /** Largest body that is a state of the model, which may be indented: 413. */
  stateBodyBytesMax: 256 * 1_024 * 1_024,
  /** Largest state of the model that is written, as JSON without blanks: 409, it is too large to be read again. */
  stateBytesMax: 64 * 1_024 * 1_024,
  /** Invalid fields that are named in one answer: the first of them. */
  fieldErrorsMax: 100,
  /** Longest line of NDJSON that comes in: the stream ends with a problem. */
  lineBytesMax: 64 * 1_024,
  /** Levels shown inline in one answer: 400. */
  depthMax: 16,
  /** Entries of one page: 400. */
  pageEntriesMax: 100_000,
  /** Longest list of fields, in characters: 400. */
  fieldsMax: 2_048,
  /** Lines of NDJSON are written in chunks of so many bytes: no policy, they all arrive. */
  chunkBytes: 64 * 1_024,
  /** A request takes no longer to arrive: 408. */
  requestMsMax: 30_000,
  /** How often connections are looked at for headers that do not arrive, in ms: then 408. */
  checkConnectionsEveryMs: 5_000,
  /** Time that a connection may stay open with nothing asked, in ms: then it is closed. */
  keepAliveMs: 72_000,
  /** When a client that has too much open may try again, as it is told in `Retry-After`, in ms. */
  retryAfterMs: 10_000,
  /** Requests a second from one address, unless set otherwise: 429. */
  requestsPerSecond: 10_000,
  /** Connections at once from one address, unless set otherwise: 429, and past twice as many closed. */
  connectionsPerAddress: 2_048,
  /** Streams of one token, or of one address where there are no tokens, unless set otherwise: 429. */
  streamsPerClient: 1_024,
  /** How often clients that are gone are forgotten, in ms. */
  forgetClientsEveryMs: 10_000,
  /** Descriptors that are for nobody's connection: files that the service opens for itself. */
  ownDescriptors: 256,
  /** Time to write the rest of a body that is not read any more, in ms: then the connection is cut. */
  lingerMs: 5_000,
  /** Largest WebSocket frame from a client: closed with 1009. */
  frameBytesMax: 64 * 1_024,
  /** Malformed frames from one client before it is closed with 1008. */
  badFramesMax: 10,
  /** Longest name of what kernel calls make, in characters: 400. */
  nameMax: 128,
  /** Longest message or reply of the model, in characters: 400. */
  payloadMax: 4_096,
  /**
   * Timers that expire in one advance of the model's clock: it stops there, and the answer says where. Of the wall clock
   * the same: it goes on in the next turn of the event loop.
   */
  expiriesPerAdvanceMax: 100_000,
  /** Partitions of the model inside one another, which is deeper than any path can name: 400. */
  partitionDepthMax: 640,
  /** Timers that expire for one request between two turns of the event loop: no policy, its lines go on after it. */
  expiriesPerTurn: 100_000,
  /** Largest file of a scenario, in bytes: refused. */
  scenarioBytesMax: 1_024 * 1_024,
  /** Lists and maps inside one another in a scenario: refused. */
  scenarioDepthMax: 64,
  /** Longest that a scenario may run, in ms of the kernel's clock: refused. */
  scenarioMsMax: 24 * 3_600_000,
  /** Calls of one run of a scenario: it ends there, which is not what was expected. */
  scenarioCallsMax: 250_000,
  /** Timers that expire in one run of a scenario, whoever set them: as for calls. */
  scenarioExpiriesMax: 1_000_000,
  /** Longest time of a default timer, in ms: 400. */
  timeoutMsMax: 24 * 3_600_000,
  /** Threads in one drawing of who waits for whom: the others are counted. */
  waitsShownMax: 10_000,
  /** Longest name of a threshold, in characters: 400. */
  thresholdNameMax: 128,
  /** Longest note of a threshold, in characters: 400. */
  noteMax: 1_024,
  /** Events kept in memory for those who resume: the oldest go. */
  eventsCachedMax: 65_536,
  /** Events that wait to be written to the journal: past it they do not wait for the end of the tick. */
  journalBatchMax: 4_096,
  /** Events that are read from the journal at once: no policy, the next are read after them. */
  journalPageEvents: 512,
  /** Time after which a journal that could not be written to is tried again, in ms: meanwhile events are in memory only. */
  journalRetryMs: 1_000,
  /** How often it is looked whether the event loop turns, in ms. */
  loopLookEveryMs: 100,
  /** An event loop that did not turn for longer, in ms: `source.degraded`. */
  loopBlockedMs: 1_000,
  /** For so long, in ms, it has to turn freely after that: `source.recovered`. */
  loopCalmMs: 5_000,
  /** How often it is looked whether the wall clock was set, in ms. */
  clockLookEveryMs: 1_000,
  /** A wall clock that was set by more, in ms: `source.degraded`. */
  clockStepMs: 1_000,
  /** How often the journal is rid of what is too old or too much, in ms. */
  trimEveryMs: 1_000,
  /** Bytes waiting for one subscriber: past it, it is parked, and reads on from the journal when they are gone. */
  subscriberQueueBytesMax: 512 * 1_024,
  /** Bytes waiting for a subscriber that is sent old events: past it, reading on waits until they are gone. */
  replayQueueBytesMax: 128 * 1_024,
  /** Old events looked at for all who read on in one turn of the event loop: no policy, they go on in the next. */
  replayEventsPerTurn: 1_024,
  /** Of those, for one of them before it is another's turn. */
  replayEventsAtOnce: 256,
  /** Longest that an event waits for others that go to the same clients, in ms: then it is sent. */
  coalesceMsMax: 12,
  /** How often it is seen whether a subscriber takes what waits for it, in ms. */
  progressEveryMs: 10_000,
  /** A subscriber that takes nothing of what waits for it for so long: closed with 1013 and its cursor. */
  stalledMsMax: 60_000,
  /** Bytes of snapshots that are being sent, to all: past it the next is refused with 429. */
  snapshotBytesMax: 256 * 1_024 * 1_024,
  /** Subscriptions of one connection: an error frame. */
  subscriptionsPerConnectionMax: 256,
  /** Durable subscriptions in all: 429. */
  durablesMax: 10_000,
  /** Longest name of a durable subscription, and of one on a connection, in characters: 400. */
  subscriptionNameMax: 128,
  /** Events in one page of the history: 400. */
  eventsPageMax: 10_000,
  /** Bytes of events in one page of the history: it ends there, and says how to go on. */
  eventsPageBytesMax: 512 * 1_024,
  /** Requests that wait on one connection for the answers before theirs: no more are read until there are fewer. */
  pipelinedMax: 16,
  /** Time in which those who read on have their turn, in ms, before the event loop goes on with the rest. */
  replayMsPerTurn: 4,
  /** Events looked at for one page of the history: it ends there, and says how to go on. */
  eventsPageLookedMax: 100_000,
  /** Streams open at once: 429. */
  streamsMax: 20_000,
  /** Event types named in one subscription: 400. */
  typesMax: 32,
  pingEveryMs: 20_000,
  /** Pings unanswered before the connection is ended. */
  pingsMissedMax: 2,
  bookmarkEveryMs: 30_000,
  /** Grace for closing what is open at shutdown; then it is cut. */
  closeGraceMs: 5_000,
} as const
