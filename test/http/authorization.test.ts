/**
 * Tests which role each request needs: every route, verb and caller, over HTTP and as a WebSocket upgrade. The routes
 * of the tree come from its rows, and their roles from one rule. A route outside the tree must be in the table below.
 */

import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { parseTokens } from '../../src/http/security/gate.ts'
import type { Level } from '../../src/kernel/limits/limit-row.ts'
import { type Role, roles } from '../../src/tree/role.ts'
import { definitions } from '../../src/tree/tree.ts'
import { ModelService } from '../support/model-service.ts'

/** The role that a route needs; `open` needs none. */
type Needed = Role | 'open'
type Verbs = Readonly<Partial<Record<'GET' | 'OPTIONS' | 'PUT' | 'POST' | 'DELETE', Needed>>>

const reads: Verbs = { GET: 'read' }
const secretReads: Verbs = { GET: 'operate' }

/** Leaves that a controller may change; every other change of the tree is for operators. */
const controlled = /^(:limit\/threshold\/:name|timeout|rules\/reload|notifier(\/limits\/:of)?)$/

/** The verbs of each row of the tree, by level and leaf. `:new` is an entry that does not exist. */
function treeRows(roleOf: (leaf: string, verb: { readonly role: Role }) => Role): Record<string, Verbs> {
  const rows = definitions.flatMap(({ under, leaf, put, post, postLines, remove, create }) => {
    const writes = Object.entries({ PUT: put, POST: post ?? postLines, DELETE: remove })
    const served = writes.flatMap(([method, verb]) => (verb === undefined ? [] : [[method, roleOf(leaf, verb)]]))
    const verbs: Verbs = { ...(leaf === 'cmdline' ? secretReads : reads), ...Object.fromEntries(served) }
    return under.flatMap((level): [string, Verbs][] => {
      const row = `${level} ${leaf}`.trim()
      return create === undefined
        ? [[row, verbs]]
        : [
            [row, verbs],
            [`${row}/:new`, { PUT: roleOf(leaf, create) }],
          ]
    })
  })
  return Object.fromEntries(rows)
}

const inTree = treeRows((leaf) => (controlled.test(leaf) ? 'control' : 'operate'))

const elsewhere: Readonly<Record<string, Verbs>> = {
  '/': reads,
  '/livez': { GET: 'open', OPTIONS: 'open' },
  '/readyz': { GET: 'open', OPTIONS: 'open' },
  '/metrics': reads,
  '/openapi.json': reads,
  '/asyncapi.json': reads,
  '/events': reads,
  '/subscriptions': reads,
  // Any reader may own a subscription. A test in events.test.ts shows that others may not change it.
  '/subscriptions/:name': { GET: 'read', PUT: 'read', DELETE: 'read' },
  // The page where a person enters a token. It contains nothing about this machine.
  '/docs': { GET: 'open' },
  '/docs/': { GET: 'open' },
  '/docs/*': { GET: 'open' },
  '/docs/json': { GET: 'open' },
}

/** Requests whose body decides the role. */
const byBody = [
  { path: '/sys/threads/threshold/acts', body: { at: 100, action: 'signal', signal: 'SIGTERM' }, needed: 'operate' },
  { path: '/sys/threads/threshold/notifies', body: { at: 100, action: 'notify' }, needed: 'control' },
] as const satisfies readonly { path: string; body: object; needed: Needed }[]

const bodies: Readonly<Record<string, object>> = {
  'process rlimit/:rlimit': { soft: 100 },
  ...forEachLevel(':limit/threshold/:name', { at: 100 }),
}

function forEachLevel<Value>(leaf: string, value: Value): Record<string, Value> {
  return Object.fromEntries(['system', 'partition', 'process', 'thread'].map((level) => [`${level} ${leaf}`, value]))
}

const secretOf = (role: Role): string => `${role}-${'0'.repeat(16)}`
const tokens = parseTokens(roles.map((role) => `${role} ${role} ${secretOf(role)}`).join('\n'))

const callers: Readonly<Record<string, { readonly role: Role | null; readonly secret: string | null }>> = {
  nobody: { role: null, secret: null },
  stranger: { role: null, secret: 'none-of-the-tokens' },
  ...Object.fromEntries(roles.map((role) => [role, { role, secret: secretOf(role) }])),
}

let service: ModelService

beforeAll(async () => {
  service = await new ModelService({ tokens }).start()
  await asOperator('POST', '/sys/proc', { name: 'one' })
  await asOperator('POST', '/sys/proc/1/thread/1/call', { call: 'ChannelCreate' })
})

afterAll(() => service.stop())

const asOperator = (method: string, path: string, body?: object) =>
  service.send(method, path, body, { authorization: `Bearer ${secretOf('operate')}` })

interface AuthorizationRequest {
  readonly method: string
  readonly path: string
  readonly body?: object | undefined
  readonly headers?: Record<string, string>
}

/** @returns `let in`, or the problem that refused. It does not use fetch, which cannot set Host. */
function outcome({ method, path, body, headers = {} }: AuthorizationRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? '' : JSON.stringify(body)
    const length = method === 'GET' ? {} : { 'content-length': text.length, 'content-type': 'application/json' }
    const options = { port: service.port, host: '127.0.0.1', method, path, headers: { ...headers, ...length } }
    const sent = request(options, (response) => {
      let answer = ''
      response.on('data', (chunk: Buffer) => {
        answer += chunk.toString()
      })
      response.on('end', () => resolve(verdict(response.statusCode ?? 0, answer)))
      expect(response.headers['access-control-allow-origin']).toBe(undefined)
    })
    sent.on('error', reject)
    sent.end(text)
  })
}

const refusals = ['unauthorized', 'forbidden', 'host-not-allowed', 'origin-not-allowed']

function verdict(status: number, answer: string): string {
  if (status >= 500) return `${status}: ${answer}`
  if (status < 400) return 'let in'
  const name = (JSON.parse(answer) as { type: string }).type.replace('urn:introspectd:problem:', '')
  return refusals.includes(name) ? name : 'let in'
}

function upgrade(path: string, headers: Record<string, string>, protocols: string[]): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${service.port}${path}`, protocols, { headers })
  return new Promise((resolve, reject) => {
    socket.once('open', () => {
      socket.terminate()
      // A token is never chosen as the subprotocol.
      resolve(socket.protocol === (protocols.length === 0 ? '' : 'cloudevents.json') ? 'upgraded' : socket.protocol)
    })
    socket.once('unexpected-response', (sent, response) => {
      let answer = ''
      response.on('data', (chunk: Buffer) => {
        answer += chunk.toString()
      })
      response.on('end', () => {
        sent.destroy()
        resolve(verdict(response.statusCode ?? 0, answer))
      })
    })
    socket.once('error', reject)
  })
}

const expected = (needed: Needed, role: Role | null): string => {
  if (needed === 'open') return 'let in'
  if (role === null) return 'unauthorized'
  return roles.indexOf(role) >= roles.indexOf(needed) ? 'let in' : 'forbidden'
}

const bearer = (secret: string | null): Record<string, string> =>
  secret === null ? {} : { authorization: `Bearer ${secret}` }

const places: Readonly<Record<Level, string>> = {
  system: '/sys',
  partition: '/sys/part/web',
  process: '/sys/proc/1',
  thread: '/sys/proc/1/thread/1',
}

function pathOf(row: string): string {
  const [level, leaf] = row.split(' ') as [Level, string?]
  if (leaf === undefined) return places[level]
  const params: Readonly<Record<string, string>> = {
    limit: level === 'thread' ? 'stack' : 'threads',
    rlimit: 'nofile',
    of: 'threads',
  }
  return `${places[level]}/${leaf.replace(/:(\w+)/g, (_, name: string) => params[name] ?? '1')}`
}

test('every row of the tree declares the role that the rule gives to its verbs', () => {
  expect(treeRows((_, { role }) => role)).toEqual(inTree)
})

test('every other route is in the table with its verbs', () => {
  const others = Object.entries(routesOf(service.app.server.printRoutes({ commonPrefix: false }))).filter(
    ([path]) => !/^\/sys(\/|\*|$)/.test(path),
  )
  const table = Object.entries(elsewhere).map(([path, verbs]) => [path, Object.keys(verbs).sort()])
  expect(Object.fromEntries(table)).toEqual(Object.fromEntries(others))
})

/** Reads the tree of routes that Fastify prints, each with its verbs. HEAD is left out. */
function routesOf(printed: string): Record<string, string[]> {
  const above: string[] = []
  const lines = printed.split('\n').flatMap((line) => {
    const [, indent, segment, verbs] = /^([│ ]*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? []
    if (indent === undefined) return []
    const depth = indent.length / 4
    above[depth] = `${depth === 0 ? '' : above[depth - 1]}${segment}`
    return [
      [
        above[depth],
        verbs!
          .split(', ')
          .filter((verb) => verb !== 'HEAD')
          .sort(),
      ] as const,
    ]
  })
  return Object.fromEntries(lines)
}

const rows = [
  ...Object.entries(inTree).map(([row, verbs]) => ({ row, path: pathOf(row), verbs })),
  ...Object.entries(elsewhere).map(([row, verbs]) => ({
    row,
    path: row.replace('*', 'x').replace(':name', 'mine'),
    verbs,
  })),
]
const cases = rows.flatMap(({ row, path, verbs }) =>
  Object.entries(verbs).map(([method, needed]) => ({ method, path, needed, body: bodies[row] ?? {} })),
)

/** Load balancers check health with a Host of their own. */
const forAnyHost = ['/livez', '/readyz']
const ofForgedHost = (path: string) => (forAnyHost.includes(path) ? 'let in' : 'host-not-allowed')

/** The whole state of the model, to see that a refused request changes nothing. */
const stateText = async (): Promise<string> =>
  (await service.fetch('/sys/state', { headers: bearer(secretOf('read')) })).text()

test.each([...cases, ...byBody.map((row) => ({ method: 'PUT', ...row }))])(
  '$method $path needs the role $needed',
  async ({ needed, ...sent }) => {
    await asOperator('PUT', '/sys/part/web', {})
    const before = await stateText()
    const byRole = Object.entries(callers).map(([name, { role, secret }]) => ({
      name,
      headers: bearer(secret),
      outcome: expected(needed, role),
    }))
    const operator = bearer(secretOf('operate'))
    const all = [
      { name: 'forged Host', headers: { ...operator, host: 'evil.example' }, outcome: ofForgedHost(sent.path) },
      { name: 'forged Origin', headers: { ...operator, origin: 'http://evil.example' }, outcome: 'origin-not-allowed' },
      { name: 'no Origin', headers: { ...operator, origin: 'null' }, outcome: 'origin-not-allowed' },
      ...byRole,
    ]
    const refused = all.filter((caller) => caller.outcome !== 'let in')
    const admitted = all.filter((caller) => caller.outcome === 'let in')
    for (const { name, headers, outcome: problem } of refused)
      expect([name, await outcome({ ...sent, headers })]).toEqual([name, problem])
    expect(await stateText()).toBe(before)
    for (const { name, headers } of admitted)
      expect([name, await outcome({ ...sent, headers })]).toEqual([name, 'let in'])
  },
)

/** A PUT at `:new` creates a partition, whose verbs are in the table already. */
const lasting = rows.filter(({ row }) => !row.endsWith(':new'))

test.each(lasting)('$path refuses every other verb, even for an operator', async ({ path, verbs }) => {
  await asOperator('PUT', '/sys/part/web', {})
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH'].filter((verb) => !(verb in verbs))) {
    const response = await asOperator(method, path, {})
    expect([method, response.status]).toEqual([method, 405])
  }
})

const streams = rows.filter(({ verbs }) => verbs.GET !== undefined)

test.each(streams)('an upgrade at $path needs the role of GET, and works only in the tree', async ({ path, verbs }) => {
  await asOperator('PUT', '/sys/part/web', {})
  const beyond = path.startsWith('/sys') ? 'upgraded' : 'let in'
  const asSubprotocol = (secret: string) => [
    'cloudevents.json',
    `base64url.bearer.${Buffer.from(secret).toString('base64url')}`,
  ]
  for (const [name, { role, secret }] of Object.entries(callers)) {
    const isOpen = elsewhere[path.replace('/docs/x', '/docs/*')]?.GET === 'open'
    const needed = isOpen ? 'open' : (verbs.GET ?? 'read')
    const result = expected(needed, role) === 'let in' ? beyond : expected(needed, role)
    expect([name, await upgrade(path, bearer(secret), [])]).toEqual([name, result])
    if (secret !== null) expect([name, await upgrade(path, {}, asSubprotocol(secret))]).toEqual([name, result])
  }
  const operator = bearer(secretOf('operate'))
  expect(await upgrade(path, { ...operator, host: 'evil.example' }, [])).toBe(ofForgedHost(path))
  expect(await upgrade(path, { ...operator, origin: 'http://evil.example' }, [])).toBe('origin-not-allowed')
})
