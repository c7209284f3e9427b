/** Writes deploy/introspectd.yaml: each setting of the service as a comment, with its meaning and its default. */

import { serviceSettings } from '../../src/config/settings.ts'

/** Values to show of settings that have no default. */
const examples: Readonly<Record<string, string>> = {
  'socket-group': 'introspectd',
  'allow-host': '[alpha:7007, alpha.example:7007]',
  'base-path': '/introspectd',
  'trust-proxy': '[loopback, 10.0.0.0/8]',
  scenario: 'scenarios/two-lock-deadlock.yaml',
  state: 'state.json',
  pools: '{ channels: 500, threads: 1000 }',
  'limits-off': '[fds, stack]',
  rules: '/etc/introspectd/rules.d',
  thresholds: '{ /sys/memory-free/threshold/low: { at: 10%, direction: falling } }',
  timeouts: '{ /sys/timeout: { after: 30s } }',
  webhooks: '[{ name: ops, url: "https://example.org/hooks/introspectd", types: [threshold.*, deadlock.*] }]',
  exec: '[{ name: page, command: [/usr/local/bin/page], user: nobody, types: [deadlock.detected] }]',
  data: '/var/lib/introspectd',
  'metrics-groups': 'program',
  'token-file': '/etc/introspectd/tokens',
  'tls-cert': '/etc/introspectd/alpha.pem',
  'tls-key': '/etc/introspectd/alpha.key',
  'tls-client-ca': '/etc/introspectd/clients.pem',
}

const header = `# A configuration file with every setting of the service. Copy it, and remove the "#" before what you change:
#
#   introspectd serve --config introspectd.yaml
#   INTROSPECTD_CONFIG=/etc/introspectd/introspectd.yaml      (in /etc/default/introspectd)
#
# A value here is the default; where there is no default, it is an example. A flag wins over a variable, and a variable
# over this file. \`introspectd config --config FILE\` checks the file and prints what is in effect.
# Written by \`npm run reference\`.
`

export function configFileText(): string {
  const rows = serviceSettings.map(({ key, standard, description, secret }) => {
    if (secret) return ''
    const value = standard === undefined ? examples[key] : valueText(standard)
    if (value === undefined)
      throw new Error(`${key} has no default: give it an example in docs/reference/config-file.ts`)
    return `\n${wrapped(description)}\n#${key}: ${value}\n`
  })
  return `${header}${rows.join('')}`
}

/** A text that YAML would read as a number or a flag is in quotes. */
function valueText(value: unknown): string {
  const needsQuotes = typeof value === 'string' && /^(\d+|on|off|yes|no|true|false)$/.test(value)
  return typeof value === 'object' || needsQuotes ? JSON.stringify(value) : String(value)
}

/** Comment lines of at most 100 columns. */
function wrapped(text: string): string {
  const lines = ['#']
  for (const word of text.split(' ')) {
    if (`${lines.at(-1)} ${word}`.length > 100) lines.push('#')
    lines[lines.length - 1] += ` ${word}`
  }
  return lines.join('\n')
}
