/** Parses `/proc/self/mountinfo`: the options that hide parts of a procfs. */

/** Options of a mounted procfs. */
export interface ProcOptions {
  /** The option `hidepid` as it stands there: a number, or a word since Linux 5.8; null if it is absent. */
  readonly hidepid: string | null
  /** Members of this group see all processes; 0 if the option is absent. */
  readonly gid: number
  /** `subset=pid`: only the directories of processes exist. */
  readonly isSubset: boolean
}

/** The kernel writes blanks and backslashes of paths as octal numbers. */
function pathOf(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The options of the procfs that is mounted last at that place; null if there is none. */
export function parseProcOptions(text: string, mountPoint: string): ProcOptions | null {
  let found: ProcOptions | null = null
  for (const line of text.split('\n')) {
    const [place, type] = line.split(' - ', 2)
    const at = place?.split(' ')[4]
    const [name, , options = ''] = type?.split(' ') ?? []
    if (name !== 'proc' || at === undefined || pathOf(at) !== mountPoint) continue
    const values = new Map(options.split(',').map((option) => pairOf(option)))
    const hidepid = values.get('hidepid') ?? null
    found = {
      hidepid: hidepid === '0' || hidepid === 'off' ? null : hidepid,
      gid: Number(values.get('gid') ?? 0),
      isSubset: values.get('subset') === 'pid',
    }
  }
  return found
}

function pairOf(option: string): readonly [string, string] {
  const [name = '', value = ''] = option.split('=', 2)
  return [name, value]
}
