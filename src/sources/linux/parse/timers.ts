/** How many POSIX timers `/proc/P/timers` lists: each begins with a line `ID: n`. */
export const countTimers = (text: string): number => text.match(/^ID: /gm)?.length ?? 0
