/** Makes the body of a request from complete lines, and names its media type. */
export interface LogBody {
  readonly contentType: string
  readonly of: (lines: string) => string
}

/** JSON lines: the lines as they are. */
export const jsonLineBody: LogBody = { contentType: 'application/stream+json', of: (lines) => lines }

interface LokiStream {
  readonly stream: Readonly<Record<string, string>>
  readonly values: [nanoseconds: string, line: string][]
}

/** The push API of Loki: lines with the same labels form a stream. */
export function lokiBody(labels: readonly string[]): LogBody {
  return { contentType: 'application/json', of: (lines) => pushOf(lines, labels) }
}

function pushOf(lines: string, labels: readonly string[]): string {
  const streams = new Map<string, LokiStream>()
  for (const line of lines.split('\n')) {
    if (line === '') continue
    const fields = fieldsOf(line)
    const stream = labelsOf(fields, labels)
    const key = JSON.stringify(stream)
    let found = streams.get(key)
    if (found === undefined) {
      found = { stream, values: [] }
      streams.set(key, found)
    }
    found.values.push([nanoseconds(fields['timestamp']), line])
  }
  return JSON.stringify({ streams: [...streams.values()] })
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    const fields: unknown = JSON.parse(line)
    return typeof fields === 'object' && fields !== null ? (fields as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function labelsOf(fields: Readonly<Record<string, unknown>>, labels: readonly string[]): Record<string, string> {
  const stream: Record<string, string> = {}
  for (const label of labels) {
    const value = fields[label]
    if (value !== undefined && value !== null && typeof value !== 'object') stream[label] = String(value)
  }
  // Loki refuses a stream without a label, and with it the whole request.
  return Object.keys(stream).length === 0 ? { service: 'unknown' } : stream
}

/** Nanoseconds since 1970. A number has too few digits for them. */
function nanoseconds(timestamp: unknown): string {
  const ms = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
  return `${Number.isNaN(ms) ? Date.now() : ms}000000`
}
