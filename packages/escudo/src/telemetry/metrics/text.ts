// The two text forms in which Prometheus reads metrics: its own, version 0.0.4, and OpenMetrics 1.0.0
// (https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/).

/** Which of the two. */
export type TextFormat = 'prometheus' | 'openmetrics'

/** Their media types, as they stand in `Content-Type`. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

// Far above any name that people give; what is longer comes from data that found its way into a name.
const VALUE_LENGTH_MAX = 256
const TO_MEND = /[\\"\n]|\p{Surrogate}/u
const LONE_SURROGATES = /\p{Surrogate}/gu

/**
 * The labels of a series as text, `a="1",b="2"`: what stands between the braces, and the series' identity. A label
 * without a value is left out, which means the same to Prometheus.
 */
export function labelText(names: readonly string[], values: readonly (string | undefined)[]): string {
  let text = ''
  for (let index = 0; index < names.length; index += 1) {
    const value = values[index]
    if (value === undefined || value === '') continue
    text += `${text === '' ? '' : ','}${names[index]}="${escapedValue(value)}"`
  }
  return text
}

function escapedValue(value: string): string {
  const short = value.length > VALUE_LENGTH_MAX ? value.slice(0, VALUE_LENGTH_MAX) : value
  if (!TO_MEND.test(short)) return short
  // Half a character has no UTF-8: written out, two different values would become one series that is there twice.
  const whole = short.replace(LONE_SURROGATES, '\ufffd')
  return whole.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** A help text on its one line. OpenMetrics escapes quotes as well. */
export function helpText(help: string, format: TextFormat): string {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return format === 'openmetrics' ? text.replaceAll('"', '\\"') : text
}

/** A value, as both forms read it. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** The upper bound of a bucket. OpenMetrics wants it to look like a floating-point number, `1.0`. */
export function boundText(bound: number, format: TextFormat): string {
  const text = numberText(bound)
  return format === 'openmetrics' && /^-?\d+$/.test(text) ? `${text}.0` : text
}
