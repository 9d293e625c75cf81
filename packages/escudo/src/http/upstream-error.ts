import { type ErrorFacts, FACTS } from '../errors/error-facts.ts'
import { describeTarget, type UpstreamTarget } from './upstream-target.ts'

/**
 * The code of a failed call to a dependency: it sent an unwanted status or no response (`UPSTREAM_ERROR`), it is
 * overloaded (`UPSTREAM_UNAVAILABLE`), or it took too long (`UPSTREAM_TIMEOUT`).
 */
export type UpstreamCode = 'UPSTREAM_ERROR' | 'UPSTREAM_UNAVAILABLE' | 'UPSTREAM_TIMEOUT'

/**
 * How a call failed.
 *
 * - `status`: the response had an unwanted status.
 * - `refused`, `reset`: the connection was refused or reset before a response.
 * - `dns`: the host name was not found.
 * - `tls`: the TLS handshake failed, for example because the certificate has expired.
 * - `network`: no response came, for another reason.
 * - `body`: the body ended early.
 * - `timeout`: a timeout expired.
 */
export type UpstreamFailure = 'status' | 'refused' | 'dns' | 'tls' | 'reset' | 'network' | 'body' | 'timeout'

/** Further details of a failed call. */
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
 * A call to a dependency failed.
 *
 * A service that does not handle this error answers with the status of its `code`: 502 `UPSTREAM_ERROR`, 503
 * `UPSTREAM_UNAVAILABLE`, 504 `UPSTREAM_TIMEOUT`. The dependency's own status is in `status`, and the service never
 * answers with it.
 *
 * @example
 * ```ts
 * import { resilientFetch, UpstreamError } from 'escudo/http'
 *
 * const busy = async () => new Response('', { status: 503, headers: { 'retry-after': '7' } })
 * const get = resilientFetch({ name: 'inventory', baseUrl: 'http://inventory', shield: false, errors: 'throw', fetch: busy })
 * const error: unknown = await get('/inventory/1').catch((reason) => reason)
 * if (error instanceof UpstreamError) console.log(error.code, error.status, error.retryAfterMs) // UPSTREAM_UNAVAILABLE 503 7000
 * ```
 */
export class UpstreamError extends Error {
  readonly code: UpstreamCode
  readonly failure: UpstreamFailure
  /** The dependency's name. */
  readonly service: string
  readonly method: string
  readonly origin: string
  /** The path with names in place of values. Undefined without the client's `template` option. */
  readonly template: string | undefined
  /** The status of the dependency's response. Undefined without a response. */
  readonly status: number | undefined
  /** The delay in milliseconds from the dependency's `Retry-After`. A retry waits that long instead of its backoff. */
  readonly retryAfterMs: number | undefined
  /**
   * The body of the failed response, for a client with `errors: 'throw'`: parsed JSON or the first 64 KiB of a text. Not
   * enumerable, so the dependency's data does not reach a log or a response by accident.
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

function messageOf(failure: UpstreamFailure, target: UpstreamTarget, status: number | undefined): string {
  const subject = describeTarget(target)
  switch (failure) {
    case 'status':
      return `${subject} answered ${status}`
    case 'refused':
      return `${subject}: the connection was refused`
    case 'dns':
      return `${subject}: the host name was not found`
    case 'tls':
      return `${subject}: the TLS handshake failed`
    case 'reset':
      return `${subject}: the connection was reset before a response`
    case 'network':
      return `${subject}: no response`
    case 'body':
      return `${subject}: the response body ended early`
    case 'timeout':
      return `${subject} did not answer in time`
  }
}
