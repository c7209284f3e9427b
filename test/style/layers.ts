/** The layers of src as data: the rooms that files belong to, and the rooms that each room may import. */

/** Rooms that are not simply a folder of src; the first pattern that matches a path decides. */
const rooms: readonly (readonly [pattern: RegExp, room: string])[] = [
  [/^src\/(?:main|bin)\.ts$/, 'start'],
  [/^src\/runtime\/(.*-)?metrics\.ts$/, 'metrics'],
  [/^src\/runtime\/(?:supervis|notify-socket)/, 'supervisor'],
]

/** @param path From the root of the project. */
export function roomOf(path: string): string {
  return rooms.find(([pattern]) => pattern.test(path))?.[1] ?? /^src\/([^/.]+)/.exec(path)?.[1] ?? ''
}

/** Rooms that each room may import, besides itself. */
export const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  kernel: [],
  // Runs in browsers and in programs of other people, where none of the other rooms exists.
  client: [],
  // Builds the driven machine from kernel state. The kernel never sees it.
  model: ['kernel'],
  // Feeds the kernel: from Linux, or from the model.
  sources: ['kernel', 'model', 'base'],
  tree: ['kernel', 'model', 'base'],
  journal: ['kernel', 'base'],
  // Sets thresholds and timeouts from files, by the shapes that requests have.
  rules: ['tree', 'kernel', 'base'],
  stream: ['tree', 'base'],
  // Delivers events to receivers outside, as a subscriber of the event log.
  reactions: ['stream', 'tree', 'kernel', 'base'],
  // Takes the shape of pools from the tree, and the defaults of histories from the kernel.
  config: ['kernel', 'tree', 'rules', 'reactions', 'base'],
  // Drives the model as a client of the tree does, and names limits and thresholds by the kernel's shapes.
  scenario: ['tree', 'kernel', 'model', 'base'],
  http: ['tree', 'kernel', 'model', 'stream', 'base'],
  runtime: ['base'],
  // Needs the port of the sources, and their C library.
  supervisor: ['sources', 'config', 'base'],
  // Reports on every part that does work.
  metrics: ['kernel', 'journal', 'reactions', 'sources', 'stream', 'tree'],
  cli: ['config', 'rules', 'tree', 'kernel', 'model', 'scenario', 'journal', 'client', 'base'],
}

/** Rooms that put the others together and may import every one of them. No other room may import these. */
export const composers: readonly string[] = ['app', 'start']
