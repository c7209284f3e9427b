/** Counts the POSIX timers in `/proc/P/timers`: each begins with a line `ID: n`. */
export function countTimers(text: string): number {
  return text.match(/^ID: /gm)?.length ?? 0
}
