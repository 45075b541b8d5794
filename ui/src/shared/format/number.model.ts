/** Numbers as text. */

/** `1,234,567`: with thin groups, for tables and totals. */
export function whole(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 })
}

/** `950`, `1.2k`, `34k`, `5.6M`: for badges, where width counts. */
export function brief(value: number): string {
  if (value < 1000) return String(value)
  const [size, unit] = value < 999_500 ? [1000, 'k'] : [1_000_000, 'M']
  const scaled = value / size
  return (scaled < 10 ? scaled.toFixed(1).replace('.0', '') : Math.round(scaled).toString()) + unit
}

/** `1 run`, `2 runs`. */
export function count(value: number, one: string, many = `${one}s`): string {
  return `${whole(value)} ${value === 1 ? one : many}`
}

/** `97 %`, `99.6 %`: never 100 % unless it is all, never 0 % unless it is none. */
export function percent(part: number, all: number): string {
  if (all === 0) return '–'
  const value = (100 * part) / all
  if (value === 0 || value === 100) return `${value} %`
  if (value > 99) return `${Math.min(99.9, Math.floor(value * 10) / 10)} %`
  return `${Math.max(1, Math.round(value))} %`
}

/** `9,999`, `10,000+`: for a count that was not carried on beyond `most`. */
export function capped(value: number, most: number): string {
  return value > most ? `${whole(most)}+` : whole(value)
}
