import type { KnownLine, WriteText } from '../core/events/known-line.ts'

// The two lines of a request. Both are objects of a class, because one is made for every request.

/** The fields of a request that all its lines have. */
export interface RequestFields {
  readonly method: string
  readonly route: string | null
  readonly path: string
}

const REQUEST_NAMES: ReadonlySet<string> = new Set(['method', 'route', 'path'])
const END_NAMES: ReadonlySet<string> = new Set([
  ...REQUEST_NAMES,
  'status_code',
  'latency_ms',
  'retries',
  'degraded',
  'shields',
  'error_code',
  'error_kind',
])

/** The fields with which the line of an error begins, if the contract made them. */
const FACTS = ['status_code', 'detail', 'error_code', 'error_kind'] as const

/** The line `http_error`, and that of an error that was not sent. */
export class ErrorLine implements KnownLine {
  declare readonly others: Readonly<Record<string, unknown>>
  declare readonly request: RequestFields

  /** @param others the fields of the error. They can hold data of the user, so they are redacted */
  constructor(others: Readonly<Record<string, unknown>>, request: RequestFields) {
    this.others = others
    this.request = request
  }

  get names(): ReadonlySet<string> {
    return REQUEST_NAMES
  }

  get startCount(): number {
    return FACTS.length
  }

  start(keys: readonly string[], write: WriteText, writeName: WriteText): string | undefined {
    for (let index = 0; index < FACTS.length; index += 1) if (keys[index] !== FACTS[index]) return undefined
    const { status_code, detail, error_code, error_kind } = this.others
    const isKnown = Number.isFinite(status_code) && typeof detail === 'string'
    if (!isKnown || typeof error_code !== 'string' || typeof error_kind !== 'string') return undefined
    return (
      `,"status_code":${String(status_code)},"detail":${write(detail)}` +
      `,"error_code":${writeName(error_code)},"error_kind":${writeName(error_kind)}`
    )
  }

  text(write: WriteText, writeName: WriteText): string {
    return requestText(this.request, write, writeName)
  }

  fields(): Readonly<Record<string, unknown>> {
    const { method, route, path } = this.request
    return { ...this.others, method, route, path }
  }
}

/** The line `http.request`. */
export class RequestLine implements KnownLine {
  declare readonly request: RequestFields
  declare readonly status: number
  declare readonly latencyMs: number
  declare readonly retries: number
  declare readonly shields: readonly string[] | undefined
  declare readonly error: { readonly code: string; readonly kind: string } | undefined

  constructor(
    request: RequestFields,
    status: number,
    latencyMs: number,
    retries: number,
    shields: readonly string[] | undefined,
    error: { readonly code: string; readonly kind: string } | undefined,
  ) {
    this.request = request
    this.status = status
    this.latencyMs = latencyMs
    this.retries = retries
    this.shields = shields
    this.error = error
  }

  get names(): ReadonlySet<string> {
    return END_NAMES
  }

  get others(): undefined {
    return undefined
  }

  get startCount(): number {
    return 0
  }

  start(): undefined {
    return undefined
  }

  text(write: WriteText, writeName: WriteText): string | undefined {
    const { request, status, latencyMs, retries, shields, error } = this
    // The names of shields are a list, which has other rules for redaction. A program can set any status.
    if (shields !== undefined || !Number.isFinite(status) || !Number.isFinite(latencyMs)) return undefined
    return (
      requestText(request, write, writeName) +
      `,"status_code":${status},"latency_ms":${latencyMs}` +
      (retries === 0 ? '' : `,"retries":${retries}`) +
      (error === undefined ? '' : `,"error_code":${writeName(error.code)},"error_kind":${writeName(error.kind)}`)
    )
  }

  fields(): Readonly<Record<string, unknown>> {
    const { method, route, path } = this.request
    const { status, latencyMs, retries, shields, error } = this
    return {
      method,
      route,
      path,
      status_code: status,
      latency_ms: latencyMs,
      ...(retries === 0 ? {} : { retries }),
      ...(shields === undefined ? {} : { degraded: true, shields }),
      ...(error === undefined ? {} : { error_code: error.code, error_kind: error.kind }),
    }
  }
}

function requestText({ method, route, path }: RequestFields, write: WriteText, writeName: WriteText): string {
  return `,"method":${writeName(method)},"route":${writeName(route)},"path":${write(path)}`
}
