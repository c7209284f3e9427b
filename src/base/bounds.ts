/**
 * Defines the bounds of the service: its largest sizes, counts and times, and its periods. Each comment says what
 * happens past the bound, and why it exists where that is not plain. A number such as 413 is the HTTP status of the
 * reply. 1008, 1009 and 1013 are close codes of a WebSocket.
 */

export const bounds = {
  /** Longest request path, in bytes. A longer one is 414. */
  pathBytesMax: 4_096,
  /**
   * Longest wait of a reply for the first reading of a process just born, and how often it looks. Then the reply says
   * that the value is unknown.
   */
  firstReadingMsMax: 300,
  firstReadingLookMs: 5,
  /** Longest command line that is read. The rest of a longer one is left out. */
  cmdlineBytesMax: 4_096,
  /** Period in which what npx or npm start started looks whether it is still there. */
  parentLookMs: 250,
  /** A second Ctrl-C counts only after this time: npm passes on the one that the terminal sends to all. */
  secondInterruptMsMin: 500,
  /** Most bytes of the log that wait while it cannot be written, as on a full disk. Further lines are lost. */
  logBytesMax: 1_024 * 1_024,
  /** Largest request body. It limits the memory of one request. A larger one is 413. */
  bodyBytesMax: 64 * 1_024,
  /**
   * Largest body that is a state of the model. It is larger than `stateBytesMax`, because the state may be indented. A
   * larger one is 413.
   */
  stateBodyBytesMax: 256 * 1_024 * 1_024,
  /** Largest state of the model that is written, as JSON without blanks. A larger one could not be read again: 409. */
  stateBytesMax: 64 * 1_024 * 1_024,
  /** Invalid fields that one reply names, so that it stays short. Further ones are left out. */
  fieldErrorsMax: 100,
  /**
   * Longest line of incoming NDJSON, because a line is buffered until it is complete. Past it, the stream ends with a
   * problem.
   */
  lineBytesMax: 64 * 1_024,
  /** Levels shown inline in one reply, because each level multiplies its size. More are 400. */
  depthMax: 16,
  /** Entries of one page. More are 400. */
  pageEntriesMax: 100_000,
  /** Longest list of fields in a query, in characters. A longer one is 400. */
  fieldsMax: 2_048,
  /** NDJSON is written in chunks of this size, to save writes. It refuses nothing: every line is written. */
  chunkBytes: 64 * 1_024,
  /** Time in which a request must arrive, so that slow clients do not hold connections. Past it, the reply is 408. */
  requestMsMax: 30_000,
  /** Period of the check for connections whose headers do not arrive in time. They get 408. */
  checkConnectionsEveryMs: 5_000,
  /** Time that a connection may be open without a request. Past it, the connection is closed. */
  keepAliveMs: 72_000,
  /** `Retry-After` of a client that has too many connections or streams open: the time after which it may try again. */
  retryAfterMs: 10_000,
  /**
   * Default of the requests a second from one address, so that one client cannot slow down the others. More are 429.
   */
  requestsPerSecond: 10_000,
  /**
   * Default of the connections from one address at the same time. More are 429, and more than twice as many are closed
   * at once.
   */
  connectionsPerAddress: 2_048,
  /** Default of the streams of one token, or of one address if there are no tokens. More are 429. */
  streamsPerClient: 1_024,
  /** Period after which counts of clients that are gone are removed, so that their number does not grow. */
  forgetClientsEveryMs: 10_000,
  /** File descriptors reserved for files that the service opens itself. Connections cannot use them. */
  ownDescriptors: 256,
  /**
   * Time in which a refused client may finish its body, because only then does it read the reply. Past it, the
   * connection is cut.
   */
  lingerMs: 5_000,
  /** Largest WebSocket frame from a client. A larger one closes the connection with 1009. */
  frameBytesMax: 64 * 1_024,
  /** Malformed frames from one client. More close the connection with 1008. */
  badFramesMax: 10,
  /** Longest name of an object that a kernel call creates, in characters. A longer one is 400. */
  nameMax: 128,
  /** Longest pattern for the base name of an executable, in characters: the longest in Linux. A longer one is 400. */
  exeMax: 255,
  /** Longest message or reply of the model, in characters. A longer one is 400. */
  payloadMax: 4_096,
  /**
   * Timers that expire in one advance of the model's clock, so that a request ends. Past it, the clock stops, and the
   * reply says at which time. A clock that follows the wall clock continues in the next turn of the event loop.
   */
  expiriesPerAdvanceMax: 100_000,
  /** Partitions of the model inside one another. It is deeper than any path can name. A deeper one is 400. */
  partitionDepthMax: 640,
  /**
   * Timers that expire for one request between two turns of the event loop. Past it, other requests have their turn
   * before its lines continue.
   */
  expiriesPerTurn: 100_000,
  /** Largest file of a scenario, in bytes. A larger one is refused. */
  scenarioBytesMax: 1_024 * 1_024,
  /** Lists and maps inside one another in a scenario. A deeper file is refused. */
  scenarioDepthMax: 64,
  /** Longest time that a scenario may run, in ms of the kernel's clock. A scenario with a longer one is refused. */
  scenarioMsMax: 24 * 3_600_000,
  /** Calls in one run of a scenario, so that an endless loop ends. Past it, the run ends as a failure. */
  scenarioCallsMax: 250_000,
  /** Timers that expire in one run of a scenario, whichever program set them. Past it, the run ends as a failure. */
  scenarioExpiriesMax: 1_000_000,
  /** Longest time of a default deadlock timeout, in ms. A longer one is 400. */
  timeoutMsMax: 24 * 3_600_000,
  /** Threads in one drawing of the wait-for graph, so that it can still be drawn. Further threads are only counted. */
  waitsShownMax: 10_000,
  /** Largest rules file, in bytes. It limits the memory of one reload. A larger one is a fault. */
  rulesFileBytesMax: 1_024 * 1_024,
  /** Rules files in one directory. More are a fault. */
  rulesFilesMax: 1_000,
  /** Faults of rules files that are reported at once, so that the message stays short. Further ones are counted. */
  rulesFaultsMax: 50,
  /** Longest name of a threshold, in characters. A longer one is 400. */
  thresholdNameMax: 128,
  /**
   * Longest note of a threshold, in characters, because every event of the threshold contains it. A longer one is 400.
   */
  noteMax: 1_024,
  /** Events cached in memory for clients that resume. Past it, the oldest are removed. */
  eventsCachedMax: 65_536,
  /** The same while the journal file has them too: readers that are further behind read the file. */
  eventsCachedOfFile: 8_192,
  /** Largest young generation of the heap, about. V8 stops to let it grow then, and collects garbage more often. */
  youngGenerationBytesMax: 40 * 1_024 * 1_024,
  /** Time after which a group in the metrics without processes gives its place to another one. */
  emptyGroupMsMax: 600_000,
  /** Least time between two lines of the log about requests that were refused for the same reason. */
  refusalLogEveryMs: 10_000,
  /** Events that wait to be written to the journal. Past it, they are written at once, before the end of the tick. */
  journalBatchMax: 4_096,
  /** Events that are written at once after the disk was full: this many need little room. */
  journalPieceEvents: 512,
  /** Events that are read from the journal at once. It refuses nothing: the next page follows. */
  journalPageEvents: 512,
  /** Time after which the journal tries to write again when a write has failed. Meanwhile events are in memory only. */
  journalRetryMs: 1_000,
  /** Period of the check whether the event loop turns. */
  loopLookEveryMs: 100,
  /** Delay of the event loop, in ms, from which it counts as blocked. Then `source.degraded` is emitted. */
  loopBlockedMs: 1_000,
  /** Time without such a delay, in ms, after which `source.recovered` is emitted. */
  loopCalmMs: 5_000,
  /** Period of the check whether the wall clock was set. */
  clockLookEveryMs: 1_000,
  /** Step of the wall clock, in ms, from which `source.degraded` is emitted. */
  clockStepMs: 1_000,
  /**
   * Changes of name and user of one process that have an event each, and programs that it executes: so many at once,
   * then so many a second. Past it, one event stands for several, with their number.
   */
  processChangesAtOnce: 32,
  processChangesPerSecond: 8,
  /**
   * Threads of one process whose births and ends have events: so many at once, then so many a second. Past it, an
   * `events.lost` about the process counts the others.
   */
  threadBirthsAtOnce: 16_384,
  threadBirthsPerSecond: 512,
  /** Webhooks, and commands, in the settings. More are refused. */
  reactionsMax: 100,
  /** Longest time in the settings of a webhook or command, in ms. A longer one is refused. */
  reactionMsMax: 30 * 24 * 3_600_000,
  /** Most events in one request to a webhook. A larger number is refused in the settings. */
  reactionBatchMax: 1_000,
  /** Most runs of one command at the same time. A larger number is refused in the settings. */
  reactionRunsMax: 64,
  /** Period in which the cursor of a route is stored while only events of other routes pass. */
  reactionCursorEveryMs: 5_000,
  /** Attempts for an event that its receiver refuses (400, 413, 415, 422). Then it is a dead letter. */
  reactionRefusedMax: 5,
  /** Failed attempts for one batch after which the log says so, because single failures are usual. */
  reactionFailuresUnreportedMax: 3,
  /** Bytes of an answer that are read, so that its connection can be used again. Past it, the connection is closed. */
  reactionAnswerBytesMax: 64 * 1_024,
  /** Longest `Retry-After` of a receiver that is obeyed. A longer one counts as this. */
  reactionRetryAfterMsMax: 3_600_000,
  /** Size of the file of dead letters, after which it is renamed to `.1`, and a former one is deleted. */
  deadLettersBytesMax: 16 * 1_024 * 1_024,
  /** Open alerts of one Alertmanager that are sent again. Further ones are sent once. */
  alertsMax: 10_000,
  /** Period in which open alerts are sent again, because Alertmanager has them in memory only. */
  alertResendEveryMs: 60_000,
  /** Time after which open alerts are sent again when that failed. */
  alertRetryMs: 5_000,
  /** Time after which an alert that is not sent again ends at Alertmanager. */
  alertEndsAfterMs: 240_000,
  /** Longest value of a variable of a command, in characters. The rest is cut off: standard input has it all. */
  commandVariableMax: 4_096,
  /** Characters of a failed command's standard error that are reported. */
  commandErrorMax: 1_024,
  /** Period of the removal of events that are too old or too many from the journal. */
  trimEveryMs: 1_000,
  /**
   * Bytes that wait for one subscriber. Past it, new events do not queue: the subscriber reads them from the journal
   * when these bytes are sent.
   */
  subscriberQueueBytesMax: 512 * 1_024,
  /** Bytes that wait for a subscriber that reads old events. Past it, reading pauses until these bytes are sent. */
  replayQueueBytesMax: 128 * 1_024,
  /** Old events examined for all subscribers in one turn of the event loop. Past it, they continue in the next turn. */
  replayEventsPerTurn: 1_024,
  /** Old events examined for one subscriber before the next has its turn. */
  replayEventsAtOnce: 256,
  /** Longest time that an event waits for others to the same clients, to save writes. Past it, the event is sent. */
  coalesceMsMax: 12,
  /** Period of the check whether subscribers receive the bytes that wait for them. */
  progressEveryMs: 10_000,
  /**
   * Time in which a subscriber must receive some of the bytes that wait for it. Past it, the stream is closed with 1013
   * and its cursor.
   */
  stalledMsMax: 60_000,
  /**
   * Bytes of snapshots that are being sent, to all clients together. Past it, the next snapshot is refused with 429.
   */
  snapshotBytesMax: 256 * 1_024 * 1_024,
  /** Subscriptions of one connection. More are answered by an error frame. */
  subscriptionsPerConnectionMax: 256,
  /** Durable subscriptions of all clients together. More are 429. */
  durablesMax: 10_000,
  /**
   * Longest name of a durable subscription, or of a subscription on a connection, in characters. A longer one is 400.
   */
  subscriptionNameMax: 128,
  /** Events in one page of the history. More are 400. */
  eventsPageMax: 10_000,
  /** Bytes of events in one page of the history. Past it, the page ends and says how to continue. */
  eventsPageBytesMax: 512 * 1_024,
  /** Requests that wait on one connection for earlier replies. Past it, no more are read until there are fewer. */
  pipelinedMax: 16,
  /**
   * Time in which subscribers read old events in one turn of the event loop. Past it, other work comes first.
   */
  replayMsPerTurn: 4,
  /**
   * Events examined for one page of the history, because few may match. Past it, the page ends and says how to
   * continue.
   */
  eventsPageLookedMax: 100_000,
  /** Streams open at the same time. More are 429. */
  streamsMax: 20_000,
  /** Event types that one subscription names. More are 400. */
  typesMax: 32,
  /** Period of the pings on a WebSocket, which find connections that are dead. */
  pingEveryMs: 20_000,
  /** Pings that a client may leave unanswered. Past it, the connection is ended. */
  pingsMissedMax: 2,
  /**
   * Period of the comments on streams of server-sent events. Proxies cut a connection on which nothing moves: nginx
   * after 60 s unless it is configured otherwise, many others after 20 s or 30 s.
   */
  commentEveryMs: 15_000,
  /** Period of the bookmarks, so that a quiet stream has a recent cursor to resume from. */
  bookmarkEveryMs: 30_000,
  /**
   * Time for which a client may acknowledge nothing that was sent to it. Past it, the kernel ends the connection. With
   * the period of the bookmarks it is less than two minutes. It is longer than `stalledMsMax`, so that a client that
   * only reads nothing gets the reason.
   */
  unacknowledgedMsMax: 80_000,
  /**
   * Period in which a starting service extends the time that its supervisor allows. It is much less than the extension,
   * because a module that takes long to load delays the next message.
   */
  extendStartEveryMs: 10_000,
  /** Time in which streams may close at shutdown. Past it, they are cut. */
  closeGraceMs: 5_000,
} as const
