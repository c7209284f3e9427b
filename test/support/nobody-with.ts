/** Runs a command as user nobody with some capabilities only, as the systemd unit runs the service. */

/** The set that `deploy/introspectd.service` gives. */
export const capabilitiesOfUnit = ['SYS_PTRACE', 'DAC_READ_SEARCH', 'NET_ADMIN']

/** The beginning of the command. Names of capabilities have no `CAP_`. */
export function nobodyWith(capabilities: readonly string[]): string[] {
  const set = ['-all', ...capabilities.map((name) => `+${name.toLowerCase()}`)].join(',')
  return [
    'setpriv',
    ...['--reuid=65534', '--regid=65534', '--clear-groups', '--no-new-privs'],
    ...['bounding-set', 'inh-caps', 'ambient-caps'].map((which) => `--${which}=${set}`),
  ]
}
