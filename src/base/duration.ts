/** Writes a duration with its unit: `25ms`, `1s`, `1.5s`. */
export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}ms` : `${Math.round(ms / 100) / 10}s`
}
