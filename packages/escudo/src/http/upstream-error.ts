import { type ErrorFacts, FACTS } from '../errors/error-facts.ts'

/** What a failed call to a dependency becomes: an answer with an unwanted status or none, the dependency busy, too late. */
export type UpstreamCode = 'UPSTREAM_ERROR' | 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_TIMEOUT'

/**
 * How the call failed: an unwanted `status`; no answer because the connection was `refused`, the name not found (`dns`),
 * the connection `reset`, or for another reason of the `network`; the `body` broke off; the `timeout` ran out.
 */
export type UpstreamFailure = 'status' | 'refused' | 'dns' | 'reset' | 'network' | 'body' | 'timeout'

/** Whom a call was for, as far as an error may tell: never the query, a header or a concrete path. */
export interface UpstreamTarget {
  /** The name given to `resilientFetch`. */
  readonly service: string
  readonly method: string
  /** `https://inventory.example:8443`. */
  readonly origin: string
  /** The path with names in place of values, `/inventory/:id`, where the client was told how to derive it. */
  readonly template: string | undefined
}

/** What else is known of a failed call. */
export interface UpstreamDetails {
  readonly status?: number | undefined
  readonly retryAfterMs?: number | undefined
  readonly body?: unknown
  readonly cause?: unknown
  readonly facts: Pick<ErrorFacts, 'retry' | 'verdict'>
}

const STATUS_OF_CODE: Readonly<Record<UpstreamCode, number>> = {
  UPSTREAM_ERROR: 502,
  UPSTREAM_UNAVAILABLE: 503,
  UPSTREAM_TIMEOUT: 504,
}

/**
 * A call to a dependency that failed. What it becomes when it leaves a service follows from its `code`: 502
 * `UPSTREAM_ERROR`, 503 `UPSTREAM_UNAVAILABLE`, 504 `UPSTREAM_TIMEOUT`. The dependency's own status is `status`, and is
 * never the answer of the service that called it.
 *
 * @example
 * ```ts
 * import { resilientFetch, UpstreamError } from 'escudo/http'
 *
 * const busy = async () => new Response('', { status: 503, headers: { 'retry-after': '7' } })
 * const get = resilientFetch({ name: 'inventory', baseUrl: 'http://inventory', shield: false, errors: 'throw', fetch: busy })
 * const told: unknown = await get('/inventory/1').catch((error) => error)
 * if (told instanceof UpstreamError) console.log(told.code, told.status, told.retryAfterMs) // UPSTREAM_UNAVAILABLE 503 7000
 * ```
 */
export class UpstreamError extends Error {
  readonly code: UpstreamCode
  readonly failure: UpstreamFailure
  /** The dependency's name. */
  readonly service: string
  readonly method: string
  readonly origin: string
  /** The path with names in place of values, where it is known. */
  readonly template: string | undefined
  /** The status that the dependency answered, if it answered. */
  readonly status: number | undefined
  /** In how many milliseconds the dependency wants to be asked again. Retries wait as long. */
  readonly retryAfterMs: number | undefined
  /**
   * The body of the answer, where the client was made with `errors: 'throw'`: parsed when it is JSON, text when it is
   * text, at most 64 KiB. Not enumerable: it is the dependency's, and enters no log or answer by itself.
   */
  declare readonly body: unknown

  constructor(code: UpstreamCode, failure: UpstreamFailure, target: UpstreamTarget, details: UpstreamDetails) {
    super(
      messageOf(failure, target, details.status),
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    this.failure = failure
    this.service = target.service
    this.method = target.method
    this.origin = target.origin
    this.template = target.template
    this.status = details.status
    this.retryAfterMs = details.retryAfterMs
    const facts: ErrorFacts = { code, status: STATUS_OF_CODE[code], kind: 'technical', ...details.facts }
    Object.defineProperty(this, 'body', { value: details.body })
    Object.defineProperty(this, FACTS, { value: facts })
  }

  static {
    Object.defineProperty(UpstreamError.prototype, 'name', {
      value: 'UpstreamError',
      writable: true,
      configurable: true,
    })
  }
}

/**
 * A retry needed to send a request again whose body is a stream, and a stream can be read only once. Give the client
 * `retryBody: { maxBytes }`, so that it keeps bodies up to that size, or send a string or bytes.
 *
 * @example
 * ```ts
 * import { constant, retry, shield } from 'escudo'
 * import { BodyNotReplayableError, resilientFetch } from 'escudo/http'
 *
 * const busy = async () => new Response('', { status: 503 })
 * const put = resilientFetch({
 *   name: 'reports',
 *   baseUrl: 'http://reports',
 *   shield: shield('reports', retry({ maxRetries: 1, backoff: constant(1) })),
 *   fetch: busy,
 * })
 * const body = new Blob(['a long report']).stream()
 * const error: unknown = await put('/reports/1', { method: 'PUT', body, duplex: 'half' }).catch((reason) => reason)
 * console.log(error instanceof BodyNotReplayableError) // true
 * ```
 */
export class BodyNotReplayableError extends TypeError {
  /** Always `BODY_NOT_REPLAYABLE`. */
  readonly code = 'BODY_NOT_REPLAYABLE'

  constructor(target: UpstreamTarget, problem: string, cause: unknown) {
    super(
      `${placeOf(target)} cannot be retried: ${problem}; see resilientFetch's option retryBody`,
      cause === undefined ? undefined : { cause },
    )
  }

  static {
    Object.defineProperty(BodyNotReplayableError.prototype, 'name', {
      value: 'BodyNotReplayableError',
      writable: true,
      configurable: true,
    })
    // `ignored`: it is a mistake of the program, and says nothing about the dependency.
    const facts: ErrorFacts = {
      code: 'BODY_NOT_REPLAYABLE',
      status: 500,
      kind: 'technical',
      retry: 'never',
      verdict: 'ignored',
    }
    Object.defineProperty(BodyNotReplayableError.prototype, FACTS, { value: facts })
  }
}

function placeOf({ service, method, origin, template }: UpstreamTarget): string {
  return `${method} ${origin}${template ?? ''} (${service})`
}

function messageOf(failure: UpstreamFailure, target: UpstreamTarget, status: number | undefined): string {
  const place = placeOf(target)
  switch (failure) {
    case 'status':
      return `${place} answered ${status}`
    case 'refused':
      return `${place}: the connection was refused`
    case 'dns':
      return `${place}: the host name was not found`
    case 'reset':
      return `${place}: the connection was reset before an answer`
    case 'network':
      return `${place}: no answer`
    case 'body':
      return `${place}: the body broke off`
    case 'timeout':
      return `${place} did not answer in time`
  }
}
