// Helpers that write PromQL and the texts of rules.

/** A string for a matcher such as `job="…"`. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

/** A string for `=~` or `!~` that matches exactly these values. */
export function oneOf(values: readonly string[]): string {
  return quoted(values.map((value) => value.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&')).join('|'))
}

/** Text for a label or an annotation of a rule that Prometheus must not read as a template. */
export function literal(text: string): string {
  return text.replaceAll('{{', '{{ "{{" }}')
}

/** Writes milliseconds as a duration of Prometheus, such as `1h30m`; at least `1ms`. */
export function duration(ms: number): string {
  let rest = Math.max(1, Math.round(ms))
  let text = ''
  for (const [unit, size] of UNITS) {
    if (rest >= size) text += `${Math.floor(rest / size)}${unit}`
    rest %= size
  }
  return text
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/** The 99th percentile of a histogram, by labels. */
export function p99(metric: string, matchers: string, range: string, ...by: readonly string[]): string {
  return `histogram_quantile(0.99, sum by (${[...by, 'le'].join(', ')}) (rate(${metric}_bucket{${matchers}}[${range}])))`
}

/** The rate of a counter per second, summed by labels. */
export function perSecond(metric: string, matchers: string, range: string, ...by: readonly string[]): string {
  return `sum${by.length === 0 ? '' : ` by (${by.join(', ')})`} (rate(${metric}{${matchers}}[${range}]))`
}
