import { isErrorStatus } from '../status.ts'
import type { JsonValue } from '../to-json.ts'

/** The one error body: these six keys, always all of them, in this order. */
export interface ErrorBody {
  /** 32 hexadecimal digits, the same as in the header `X-Trace-ID` and in the log lines of the request. */
  readonly trace_id: string
  /** For machines. */
  readonly error_code: string
  /** For people, in their language. */
  readonly message: string
  readonly status_code: number
  readonly service_name: string
  readonly context: Readonly<Record<string, JsonValue>>
}

/** An {@link ErrorBody} in the form of RFC 9457, with the six keys as extensions. */
export interface ProblemBody extends ErrorBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
}

const MESSAGE_LENGTH_MAX = 8_192

/**
 * Reads the error body of an escudo service, in either of its forms. Undefined for anything else: what comes over the
 * wire is not believed to be what it should be.
 *
 * @param value parsed JSON
 * @example
 * ```ts
 * import { parseErrorBody } from 'escudo/errors'
 *
 * console.log(parseErrorBody({ error: 'Not Found' })) // undefined
 * ```
 */
export function parseErrorBody(value: unknown): ErrorBody | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { trace_id, error_code, message, status_code, service_name, context } = value as Partial<
    Record<keyof ErrorBody, unknown>
  >
  const sound =
    isText(trace_id, 64) &&
    isText(error_code, 63) &&
    isText(message, MESSAGE_LENGTH_MAX) &&
    isErrorStatus(status_code) &&
    isText(service_name, 256) &&
    typeof context === 'object' &&
    context !== null &&
    !Array.isArray(context)
  if (!sound) return undefined
  return { trace_id, error_code, message, status_code, service_name, context: context as ErrorBody['context'] }
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax
}
