/**
 * Tests the Kubernetes manifest without a cluster: by the schemas of its API, and by starting the service with the
 * environment of its container and sending the probes as a kubelet does.
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { settings, variableOf } from '../../src/config/settings.ts'
import { cachedPackages } from '../support/cached-packages.ts'
import { Live } from '../support/live.ts'
import { exchange } from '../support/raw.ts'

const models = cachedPackages({ 'kubernetes-models': '5.1.0' })
const text = readFileSync(new URL('../../deploy/kubernetes.yaml', import.meta.url), 'utf8')
const documents: unknown[] = parseAllDocuments(text).map((document) => document.toJS())

const Probe = z.object({ httpGet: z.object({ path: z.string(), port: z.literal('http') }) })
const Container = z.object({
  args: z.array(z.string()),
  env: z.array(z.object({ name: z.string(), value: z.string().optional() })),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: Probe,
  readinessProbe: Probe,
  livenessProbe: Probe,
  volumeMounts: z.array(z.object({ name: z.string(), mountPath: z.string() })),
})
const DaemonSet = z.object({
  kind: z.literal('DaemonSet'),
  spec: z.object({
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.object({ containers: z.tuple([Container]), volumes: z.array(z.object({ name: z.string() })) }),
    }),
  }),
})
const { spec } = DaemonSet.parse(documents[1])
const [container] = spec.template.spec.containers

const checker = `
import { DaemonSet } from 'kubernetes-models/apps/v1/DaemonSet'
import { Service } from 'kubernetes-models/v1/Service'
const [document] = process.argv.slice(1).map(JSON.parse)
new { DaemonSet, Service }[document.kind](document).validate()`

/** Checks a document by the schema of its kind, in the directory of the schemas. @throws Error with the fault */
function validate(document: unknown): void {
  const args = ['--input-type=module', '-e', checker, JSON.stringify(document)]
  execFileSync(process.execPath, args, { cwd: models!, stdio: 'pipe' })
}

test.skipIf(models === null)('each document is valid by the schema of its kind', () => {
  expect(documents).toMatchObject([{ kind: 'Service' }, { kind: 'DaemonSet' }])
  for (const document of documents) {
    validate(document)
    // The schema would have found a fault.
    expect(() => validate({ ...Object(document), spec: { selector: 7 } })).toThrow(/selector must be object/)
  }
})

test('the labels match, every mount has its volume, and every variable is a setting', () => {
  expect(spec.template.metadata.labels).toMatchObject(spec.selector.matchLabels)
  const volumes = spec.template.spec.volumes.map(({ name }) => name)
  expect(container.volumeMounts.map(({ name }) => name)).toEqual(volumes)
  const own = container.env.map(({ name }) => name).filter((name) => name.startsWith('INTROSPECTD_'))
  expect(own.filter((name) => !settings.some((setting) => variableOf(setting) === name))).toEqual([])
})

test('the service starts as its container does, and answers the probes of a kubelet, which has no token', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'introspectd-kubernetes-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'tokens'), `reader read ${'r'.repeat(20)}\n`, { mode: 0o400 })
  const places: Readonly<Record<string, string>> = {
    '$(NODE_ADDRESS)': '127.0.0.1',
    '/run/introspectd/tokens': join(directory, 'tokens'),
    '/var/lib/introspectd': join(directory, 'data'),
  }
  const env = Object.fromEntries(container.env.flatMap(({ name, value }) => (value ? [[name, places[value]!]] : [])))
  expect(container.args).toEqual(['serve'])
  const live = await Live.start([], { env })
  const port = Number(new URL(live.url).port)
  for (const { httpGet } of [container.startupProbe, container.readinessProbe, container.livenessProbe]) {
    const headers = ['Host: 10.1.2.3:7007', 'User-Agent: kube-probe/1.31', 'Accept: */*', 'Connection: close']
    const request = [`GET ${httpGet.path} HTTP/1.1`, ...headers, '\r\n'].join('\r\n')
    expect(await exchange({ port }, request)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  }
  expect((await fetch(`${live.url}/sys`)).status).toBe(401)
  const authorization = `Bearer ${'r'.repeat(20)}`
  expect((await fetch(`${live.url}/sys`, { headers: { authorization } })).status).toBe(200)
  expect(await live.stop()).toBe(0)
})
