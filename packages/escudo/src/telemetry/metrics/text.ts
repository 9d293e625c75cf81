// The two text formats that Prometheus reads: its own, version 0.0.4, and OpenMetrics 1.0.0
// (https://prometheus.io/docs/instrumenting/exposition_formats/, https://prometheus.io/docs/specs/om/open_metrics_spec/).

/** The name of a text format. */
export type TextFormat = 'prometheus' | 'openmetrics'

/** The value of `Content-Type` for each format. */
export const CONTENT_TYPES: Readonly<Record<TextFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

// Names that people choose are shorter. A longer one contains data that does not belong in a name.
const VALUE_LENGTH_MAX = 256
const NEEDS_ESCAPING = /[\\"\n]/
const LONE_SURROGATE = /\p{Surrogate}/u
const LONE_SURROGATES = /\p{Surrogate}/gu

/**
 * Writes the labels of a series, `a="1",b="2"`, without the braces. This text identifies the series.
 *
 * A label without a value is left out. To Prometheus this means the same.
 */
export function labelText(names: readonly string[], values: readonly (string | undefined)[]): string {
  let text = ''
  for (let index = 0; index < names.length; index += 1) {
    const value = cleanValue(values[index])
    if (value === undefined) continue
    text += `${text === '' ? '' : ','}${names[index]}="${escapedValue(value)}"`
  }
  return text
}

/** Shortens a label value, and replaces what UTF-8 cannot encode. Undefined for a value that is missing or empty. */
export function cleanValue(given: string | number | undefined): string | undefined {
  if (given === undefined || given === '') return undefined
  const value = String(given)
  const short = value.length > VALUE_LENGTH_MAX ? value.slice(0, VALUE_LENGTH_MAX) : value
  // A lone surrogate has no UTF-8 form. If it were replaced only during encoding, two values could become one series
  // that is listed twice.
  return LONE_SURROGATE.test(short) ? short.replace(LONE_SURROGATES, '\ufffd') : short
}

function escapedValue(value: string): string {
  if (!NEEDS_ESCAPING.test(value)) return value
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

/** Escapes a help text to one line. OpenMetrics escapes quotes too. */
export function helpText(help: string, format: TextFormat): string {
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return format === 'openmetrics' ? text.replaceAll('"', '\\"') : text
}

/** Writes a value. Both formats read it. */
export function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

/** Writes the upper bound of a bucket. OpenMetrics requires a floating-point form, `1.0`. */
export function boundText(bound: number, format: TextFormat): string {
  const text = numberText(bound)
  return format === 'openmetrics' && /^-?\d+$/.test(text) ? `${text}.0` : text
}
