/** The layers of src as data: the rooms that files belong to, and the rooms that each room may import. */

/** Room of each path, by the first pattern that matches. Without a match, a file belongs to the room of its folder. */
const rooms: readonly (readonly [pattern: RegExp, room: string])[] = [
  [/^src\/(?:main|bin)\.ts$/, 'start'],
  [/^src\/(?:app|host|access|keeping|definitions|own-events|model)\.ts$/, 'app'],
  [/^src\/(?:bounds|cursor|duration|nearest)\.ts$/, 'base'],
  [/^src\/(?:(?:clock|loop-watch|metrics)\.ts$|supervisor\/)/, 'runtime'],
  [/^src\/config\.ts$/, 'config'],
  [/^src\/kernel\/(?:calls\/|state\/|machine\.ts$|model-[a-z]+\.ts$)/, 'model'],
  [/^src\/kernel\/objects\/(?:model-[a-z]+|blocker|channel|id-pool|sync|timer|wait-queue)\.ts$/, 'model'],
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
  stream: ['tree', 'base'],
  // Takes the shape of pools from the tree, and the defaults of histories from the kernel.
  config: ['kernel', 'tree', 'base'],
  // Drives the model as a client of the tree does, and names limits and thresholds by the kernel's shapes.
  scenario: ['tree', 'kernel', 'model', 'base'],
  http: ['tree', 'kernel', 'model', 'stream', 'base'],
  // The metrics report on every part that does work; the supervisor needs the C library of the sources.
  runtime: ['kernel', 'journal', 'sources', 'stream', 'tree', 'config', 'base'],
  cli: ['config', 'tree', 'kernel', 'model', 'scenario', 'journal', 'client', 'base'],
  app: [
    'base',
    'cli',
    'config',
    'http',
    'journal',
    'kernel',
    'model',
    'runtime',
    'scenario',
    'sources',
    'stream',
    'tree',
  ],
  start: [
    'app',
    'base',
    'cli',
    'config',
    'http',
    'journal',
    'kernel',
    'model',
    'runtime',
    'scenario',
    'sources',
    'tree',
  ],
}
