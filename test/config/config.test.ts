/** Tests the settings: their sources, precedence, printing, and the errors for invalid ones. */

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { printConfig } from '../../src/config/print.ts'
import { readConfig } from '../../src/config/read-config.ts'
import { settingRows, valueOfText } from '../../src/config/row.ts'
import { settings } from '../../src/config/settings.ts'

const directory = mkdtempSync(join(tmpdir(), 'introspectd-'))
const file = (text: string | Buffer): string => {
  const path = join(directory, 'introspectd.yaml')
  writeFileSync(path, text)
  return path
}

const refusal = (flags: Record<string, string>, environment: Record<string, string> = {}): string => {
  try {
    readConfig(flags, environment)
  } catch (error) {
    if (error instanceof Error && error.name === 'ConfigError') return error.message.replaceAll(`${directory}/`, '')
    throw error
  }
  throw new Error('it was accepted')
}

describe('proxies', () => {
  test('the base path loses a slash at its end, and trusted proxies are addresses, ranges and names', () => {
    expect(readConfig({ basePath: '/a/b/' }, {}).config.basePath).toBe('/a/b')
    const trustProxy = ['10.0.0.1', '10.0.0.0/8', '2001:db8::/32', 'loopback', 'unix']
    expect(readConfig({ trustProxy: trustProxy.join(',') }, {}).config.trustProxy).toEqual(trustProxy)
  })

  test.each(['a', '/', '/a//b', '/../a', '/a/./b', '/a b', '/a?b'])('the base path %j is refused', (basePath) => {
    expect(refusal({ basePath })).toContain('expected a path such as /introspectd')
  })

  test.each(['proxy.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129', ''])(
    'the trusted proxy %j is refused',
    (trustProxy) => {
      expect(refusal({ trustProxy })).toContain('expected addresses such as 10.0.0.2')
    },
  )
})

describe('sources of settings', () => {
  test('a flag overrides the variable, the variable overrides the file, and the file overrides the default', () => {
    const config = file('port: 1\nperiod: 11\nfull-period: 111\n')
    const environment = { INTROSPECTD_PORT: '2', INTROSPECTD_PERIOD: '22', INTROSPECTD_CONFIG: config }
    const effective = readConfig({ port: '3' }, environment)
    expect(effective.config).toMatchObject({ port: 3, period: 22, fullPeriod: 111, host: 'localhost' })
    expect(Object.fromEntries(effective.origins)).toEqual({
      port: '--port',
      period: 'INTROSPECTD_PERIOD',
      fullPeriod: `${config}:3`,
    })
  })

  test('the flag --config overrides INTROSPECTD_CONFIG', () => {
    const config = file('port: 1\n')
    expect(readConfig({ config }, { INTROSPECTD_CONFIG: '/nowhere' }).config.port).toBe(1)
  })

  test('a list is comma-separated in flags and variables, and a YAML list in the file', () => {
    expect(readConfig({ allowHost: 'a:1, b:2' }, {}).config.allowHost).toEqual(['a:1', 'b:2'])
    expect(readConfig({ config: file('allow-host: [a:1, b:2]') }, {}).config.allowHost).toEqual(['a:1', 'b:2'])
  })

  test('pools are comma-separated name=value pairs in flags and variables, and a map in the file', () => {
    const pools = { channels: 500, threads: null }
    expect(readConfig({ pools: 'channels=500, threads = null' }, {}).config.pools).toEqual(pools)
    expect(readConfig({}, { INTROSPECTD_POOLS: 'channels=500,threads=null' }).config.pools).toEqual(pools)
    const effective = readConfig({ config: file('pools:\n  channels: 500\n  threads: null\n') }, {})
    expect(effective.config.pools).toEqual(pools)
    expect(parse(printConfig(effective))).toMatchObject({ pools })
  })

  test.each([
    ['channels', '"channels": expected a value for each name, as in channels=500,threads=1000, and each name once'],
    ['', '"": expected a value for each name'],
    ['channels=1,channels=2', '"channels=1,channels=2": expected a value for each name'],
    ['chanels=1', '{"chanels":1}: there is no chanels; did you mean channels?'],
    ['memory-free=1', '{"memory-free":1}: there is no memory-free'],
    ['__proto__=1', '"__proto__=1": expected a value for each name'],
    ['channels=-1', '{"channels":-1}: channels: Too small'],
    ['channels=1.5', '{"channels":1.5}: channels: Invalid input: expected int'],
    ['channels=many', '{"channels":"many"}: channels: Invalid input: expected number'],
  ])('%j is refused as pools', (text, why) => {
    expect(refusal({ pools: text })).toMatch(`--pools ${why}`)
  })

  test('an empty file sets nothing', () => {
    for (const text of ['', '# nothing\n', '---\n']) expect(readConfig({ config: file(text) }, {}).origins.size).toBe(0)
  })
})

describe('one line names the fault in a file and its place for', () => {
  test.each([
    ['an unknown key', 'port: 1\n\nprot: 2\n', 'introspectd.yaml:3: there is no setting prot; did you mean port?'],
    [
      'the spelling of the code',
      'tokenFile: x',
      'introspectd.yaml:1: there is no setting tokenFile; did you mean token-file?',
    ],
    ['a key like no other', 'zebra: red', 'introspectd.yaml:1: there is no setting zebra'],
    ['a key with a line break', '"a\\nb": 1', 'introspectd.yaml:1: there is no setting a\\nb'],
    ['a key twice', 'port: 1\nhost: ::1\nport: 1\n', 'introspectd.yaml:3: port is set already at introspectd.yaml:1'],
    ['text for a number', 'port: "7007"', 'introspectd.yaml:1: port "7007": expected a whole number'],
    ['a number for text', 'host: 5', 'introspectd.yaml:1: host 5: expected text'],
    ['nothing', 'port:', 'introspectd.yaml:1: port null: expected a whole number'],
    ['a list for a number', 'port: [1]', 'introspectd.yaml:1: port [1]: expected a whole number'],
    ['text for a list', 'allow-host: a:1', 'introspectd.yaml:1: allow-host "a:1": expected a list of texts'],
    ['too much', 'port: 70000', 'introspectd.yaml:1: port 70000: Too big: expected number to be <=65535'],
    [
      'a choice that there is not',
      'log-level: wran',
      'introspectd.yaml:1: log-level "wran": expected one of trace, debug, info, warn, error, silent; did you mean warn?',
    ],
    ['a list of settings', '- port: 1', 'introspectd.yaml: expected a setting a line, as in "port: 7007"'],
    ['a number for a map', 'pools: 5', /^introspectd.yaml:1: pools 5: expected a value for each name/],
    ['a name twice in a map', 'pools:\n  fds: 1\n  fds: 2', 'introspectd.yaml:2: fds is there twice'],
    [
      'a wrong value in a map',
      'pools: { fds: "5" }',
      'introspectd.yaml:1: pools {"fds":"5"}: fds: Invalid input: expected number, received string',
    ],
    ['no YAML', 'port: "x\n', 'introspectd.yaml:2: this is not YAML: Missing closing "quote'],
    ['a tag', 'port: !int64 1', 'introspectd.yaml:1: this is not YAML: Unresolved tag: !int64'],
    ['two documents', 'port: 1\n---\nport: 2', /^introspectd.yaml:2: this is not YAML: .*multiple documents/],
    ['an alias of nothing', 'port: 1\nhost: *x', /^introspectd.yaml:2: this is not YAML: Unresolved alias/],
  ])('%s', (_, text, message) => {
    expect(refusal({ config: file(text) })).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    )
  })

  test('bytes that are not text', () => {
    expect(refusal({ config: file(Buffer.from([0xff, 0xfe, 0x00])) })).toBe(
      '--config introspectd.yaml: it is not UTF-8 text',
    )
  })

  test('a file that cannot be read, with the flag or variable that named it', () => {
    expect(refusal({ config: '/nowhere' })).toMatch(/^--config \/nowhere: ENOENT/)
    expect(refusal({}, { INTROSPECTD_CONFIG: '/' })).toMatch(/^INTROSPECTD_CONFIG \/: EISDIR/)
  })

  test('an invalid value that another source overrides', () => {
    expect(refusal({ port: '1', config: file('port: x') })).toMatch(/^introspectd.yaml:1: port "x"/)
    expect(refusal({ port: '1' }, { INTROSPECTD_PORT: 'x' })).toMatch(/^INTROSPECTD_PORT \(--port\) "x"/)
  })
})

test('random text in a file is accepted or refused in one line, never more', () => {
  const line = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom(...settings.map(({ key }) => key)), fc.json()).map(([key, value]) => `${key}: ${value}`),
  )
  fc.assert(
    fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
      const config = file(lines.join('\n'))
      try {
        readConfig({ config }, {})
      } catch (error) {
        expect(error).toHaveProperty('name', 'ConfigError')
        expect((error as Error).message).not.toMatch(/[\u0000-\u001f]/)
      }
    }),
  )
})

test('a variable that is no setting is refused, with a suggestion', () => {
  expect(refusal({}, { INTROSPECTD_PROT: '1' })).toBe(
    'there is no setting INTROSPECTD_PROT; did you mean INTROSPECTD_PORT?',
  )
  expect(refusal({}, { INTROSPECTD_X: '1' })).toMatch(
    /^there is no setting INTROSPECTD_X; there are INTROSPECTD_HOST, /,
  )
})

test('an empty number counts as not set', () => {
  expect(refusal({}, { INTROSPECTD_PORT: '' })).toBe('INTROSPECTD_PORT (--port) "": expected a whole number')
})

test('booleans are written true or false, and anything else is refused', () => {
  const [row] = settingRows({ bold: z.boolean().default(false) })
  expect(['true', 'false', 'yes'].map((text) => valueOfText(row!, text))).toEqual([true, false, 'yes'])
})

describe('the printed configuration', () => {
  test('can be read again for any values, and names the source of each', () => {
    const text = fc.string({ minLength: 1, unit: 'binary' }).filter((string) => string.isWellFormed())
    const values = fc.record({ data: text, procRoot: text, allowHost: fc.array(text), tokenFile: text })
    fc.assert(
      fc.property(values, ({ data, procRoot, allowHost, tokenFile }) => {
        const given = { data, 'proc-root': procRoot, 'allow-host': allowHost, 'token-file': tokenFile }
        const first = readConfig({ config: file(JSON.stringify(given)) }, {})
        const printed = printConfig(first)
        expect(readConfig({ config: file(printed) }, {}).config).toEqual(first.config)
        expect(printed.split('\n')).toHaveLength(settings.length + 1)
      }),
    )
  })

  test('names the flag, variable, line or default, and settings that are not set', () => {
    const config = file('period: 50')
    const printed = printConfig(readConfig({ port: '0', config }, { INTROSPECTD_HOST: '::1' })).split('\n')
    expect(printed).toEqual(
      expect.arrayContaining([
        'host: ::1 # INTROSPECTD_HOST',
        'port: 0 # --port',
        `period: 50 # ${config}:1`,
        'full-period: 1000 # default',
        '# token-file is not set',
      ]),
    )
  })

  test('contains no secret, and neither does the error for an invalid one', () => {
    const printed = printConfig(readConfig({}, { INTROSPECTD_TOKEN: 'hunter2hunter2hunter2' }))
    expect(printed).toContain('# token is set, and not shown # INTROSPECTD_TOKEN\n')
    expect(printed).not.toContain('hunter2')
    expect(parse(printed)).not.toHaveProperty('token')
    expect(refusal({}, { INTROSPECTD_TOKEN: 'hunter2 hunter2' })).toBe('INTROSPECTD_TOKEN: expected one word of ASCII')
    expect(refusal({ config: file('token: [hunter2]') })).toBe('introspectd.yaml:1: token: expected text')
  })
})
