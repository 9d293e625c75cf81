/** Quotes a text for LogsQL. */
export function quoted(text: string): string {
  return JSON.stringify(text.toWellFormed())
}

/** Quotes a text that a regular expression contains. */
export function escapedPattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

/** Returns the filter for times from `from` to before `to`, in milliseconds since 1970. */
export function timeFilter(from: number, to: number): string {
  return `_time:[${instant(from)}, ${instant(to)})`
}

/** Returns a time as LogsQL writes it. The engine knows the years 1970 to 2262. */
export function instant(at: number): string {
  return new Date(Math.min(Math.max(at, 0), 9_214_646_400_000)).toISOString()
}

/** Returns a filter for one of several values of a field. */
export function oneOf(field: string, values: readonly string[]): string {
  return `${field}:in(${values.map(quoted).join(', ')})`
}

/** Returns the duration of a step. */
export function stepOf(stepMs: number): string {
  return `${stepMs}ms`
}
