/** Defines the exit codes of the command line. The program, its reference and its manual page derive from the table. */

export const exitCodes = {
  done: { code: 0, meaning: 'success; also if the reader of the output has gone, as after `| head`' },
  failed: {
    code: 1,
    meaning:
      'the command failed, and one line on standard error says why; `status`: the service is not ready; `simulate`: a ' +
      'scenario is not met; `rules check`: a rule is wrong; `wait`: interrupted',
  },
  wrongFile: { code: 2, meaning: '`simulate`: a file is wrong, and no scenario was run' },
  wrongMachine: {
    code: 78,
    meaning: '`serve`: this machine cannot be watched before it is changed; systemd does not start the service again',
  },
  timeUp: { code: 124, meaning: '`wait`: the time of `--timeout` is up' },
} as const satisfies Readonly<Record<string, { readonly code: number; readonly meaning: string }>>
