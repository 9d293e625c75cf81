import type { JsonValue } from '../to-json.ts'
import { type ErrorBody, parseErrorBody } from './body.ts'

/**
 * An error that another escudo service reported.
 *
 * Use it as a cause, for the log. It carries no {@link ErrorFacts}: if it is thrown itself, the response is a 500 and
 * not, for example, the other service's 401.
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
 * Makes a {@link RemoteError} from the error body of an escudo service.
 *
 * Returns undefined if the value is not an error body.
 *
 * @param value parsed JSON
 * @example
 * ```ts
 * import { remoteError } from 'escudo/errors'
 *
 * console.log(remoteError({ error: 'busy' })) // undefined: not an error body of escudo
 * ```
 */
export function remoteError(value: unknown): RemoteError | undefined {
  const body = parseErrorBody(value)
  return body === undefined ? undefined : new RemoteError(body)
}
