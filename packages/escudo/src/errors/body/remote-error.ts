import type { JsonValue } from '../to-json.ts'
import { type ErrorBody, parseErrorBody } from './body.ts'

/**
 * What another escudo service said had gone wrong there. It is a cause, for the log: it carries no facts, so that
 * thrown as it is it becomes our 500 and never, say, another service's 401.
 *
 * @example
 * ```ts
 * import { RemoteError, remoteError } from 'escudo/errors'
 *
 * const response = Response.json({ error: 'busy' }, { status: 503 })
 * const cause = remoteError(await response.json())
 * if (cause instanceof RemoteError) console.log(cause.service, cause.code)
 * ```
 */
export class RemoteError extends Error {
  /** The other service's code. */
  readonly code: string
  readonly status: number
  readonly service: string
  readonly traceId: string
  readonly context: Readonly<Record<string, JsonValue>>

  constructor(body: ErrorBody) {
    super(body.message)
    this.name = 'RemoteError'
    this.code = body.error_code
    this.status = body.status_code
    this.service = body.service_name
    this.traceId = body.trace_id
    this.context = body.context
  }
}

/**
 * The typed cause that an escudo service's error body holds; undefined where the value is none.
 *
 * @param value parsed JSON
 * @example
 * ```ts
 * import { remoteError } from 'escudo/errors'
 *
 * console.log(remoteError({ error: 'busy' })) // undefined: not the body of an escudo service
 * ```
 */
export function remoteError(value: unknown): RemoteError | undefined {
  const body = parseErrorBody(value)
  return body === undefined ? undefined : new RemoteError(body)
}
