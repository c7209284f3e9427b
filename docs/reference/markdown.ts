/** Parts of Markdown pages that the generators of the reference share: code spans, tables and headings. */

export function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

export function capital(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

/** A table with columns of equal width, as the formatter of Markdown writes it. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = titles.map((title, place) => Math.max(title.length, ...escaped.map((row) => row[place]!.length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, place) => cell.padEnd(widths[place]!)).join(' | ')} |\n`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |\n`
  return `${line(titles)}${rule}${escaped.map(line).join('')}`
}
