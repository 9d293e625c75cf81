import { read } from '../safe-read.ts'
import { isErrorStatus } from '../status.ts'
import type { JsonValue } from '../to-json.ts'

/** The error body. It always has these six keys, in this order. */
export interface ErrorBody {
  /** 32 hexadecimal digits. Equal to the header `X-Trace-ID` and to the trace id in the request's log lines. */
  readonly trace_id: string
  /** Machine-readable. */
  readonly error_code: string
  /** For people, in the language of the client. */
  readonly message: string
  readonly status_code: number
  readonly service_name: string
  readonly context: Readonly<Record<string, JsonValue>>
}

/** The RFC 9457 form of an {@link ErrorBody}, with the six keys as extensions. */
export interface ProblemBody extends ErrorBody {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly instance: string
}

const KEYS = ['trace_id', 'error_code', 'message', 'status_code', 'service_name', 'context'] as const
const MESSAGE_LENGTH_MAX = 8_192

/**
 * Reads the error body of an escudo service, in either form.
 *
 * Returns undefined for any other value: data from the network is not trusted.
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
  // Read one by one and safely: the value may be an object of this process, with getters that throw.
  const [trace_id, error_code, message, status_code, service_name, context] = KEYS.map((key) => read(value, key))
  const valid =
    isText(trace_id, 64) &&
    isText(error_code, 63) &&
    isText(message, MESSAGE_LENGTH_MAX) &&
    isErrorStatus(status_code) &&
    isText(service_name, 256) &&
    typeof context === 'object' &&
    context !== null &&
    !Array.isArray(context)
  if (!valid) return undefined
  return { trace_id, error_code, message, status_code, service_name, context: context as ErrorBody['context'] }
}

function isText(value: unknown, lengthMax: number): value is string {
  return typeof value === 'string' && value.length <= lengthMax
}
