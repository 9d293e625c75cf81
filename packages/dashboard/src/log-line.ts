/** What a log line says about a request. */
export interface RequestLine {
  /** Undefined where the line names none. */
  readonly service: string | undefined
  /** 100 to 599, else undefined. */
  readonly status: number | undefined
  /** Undefined where there is none, or none that can be. */
  readonly latencyMs: number | undefined
}

/** What a log line is. */
export type LogLine =
  | { readonly kind: 'malformed' }
  /** `event` tells whether the line names its event: it decides how its file is read. */
  | { readonly kind: 'other'; readonly event: boolean }
  | { readonly kind: 'request'; readonly event: boolean; readonly request: RequestLine }

const MALFORMED: LogLine = { kind: 'malformed' }

/**
 * Reads one line of a JSON log. A request is a line with `event` = `http.request`, or a line without any event that
 * has a status and a latency. Never throws.
 */
export function readLogLine(text: string): LogLine {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return MALFORMED
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return MALFORMED
  const fields = value as Readonly<Record<string, unknown>>
  const event = typeof fields['event'] === 'string'
  const request: RequestLine = {
    service: typeof fields['service'] === 'string' ? fields['service'] : undefined,
    status: status(fields['status_code']),
    latencyMs: latency(fields['latency_ms']),
  }
  const isRequest = event
    ? fields['event'] === 'http.request'
    : request.status !== undefined && request.latencyMs !== undefined
  return isRequest ? { kind: 'request', event, request } : { kind: 'other', event }
}

function status(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 100 && value <= 599 ? value : undefined
}

function latency(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
}
