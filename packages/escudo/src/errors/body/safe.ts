import type { AnyErrorClass, ErrorDetails, ErrorOf, TypedError } from '../catalogue/definition.ts'
import { type ErrorBody, parseErrorBody } from './body.ts'
import { retryAfterMs } from './retry-after.ts'

/**
 * A failure that the catalogue does not describe, with or without a response.
 *
 * @example
 * ```ts
 * import { defineErrors, safe, UnexpectedAnswer } from 'escudo/errors'
 *
 * const answer = await safe(new Response('<html>', { status: 502 }), defineErrors({}))
 * if (!answer.ok && answer.error instanceof UnexpectedAnswer) console.log(answer.error.status) // 502
 * ```
 */
export class UnexpectedAnswer extends Error {
  readonly code = 'UNEXPECTED_ANSWER'
  /** The status of the response. Undefined if there was no response. */
  readonly status: number | undefined
  /** The error body, if the response had one that fits no entry of the catalogue. */
  readonly body: ErrorBody | undefined

  constructor(message: string, answer: { status?: number; body?: ErrorBody | undefined; cause?: unknown }) {
    super(message, 'cause' in answer ? { cause: answer.cause } : undefined)
    this.name = 'UnexpectedAnswer'
    this.status = answer.status
    this.body = answer.body
  }
}

/** The result of {@link safe}: the data or a typed error. */
export type SafeResult<C, T> =
  | { readonly ok: true; readonly data: T }
  | { readonly ok: false; readonly error: ErrorOf<C> | UnexpectedAnswer }

/**
 * Turns a response into its data or into an error of a catalogue.
 *
 * A client can then handle the service's errors by type. Never rejects: a network failure, a broken body and an unknown
 * code give an {@link UnexpectedAnswer}.
 *
 * @param response the result of `fetch`; the response of a typed client gives typed data
 * @param errors the catalogue of the service
 * @example
 * ```ts
 * import { defineErrors, safe } from 'escudo/errors'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: 'Sold out.' } })
 * const answer = await safe(fetch('http://127.0.0.1:9/items/item1'), Errors)
 * if (answer.ok) console.log(answer.data)
 * else if (answer.error.code === 'SOLD_OUT') console.log('too late')
 * else console.log(answer.error.status)
 * ```
 */
export async function safe<R extends Response, C extends Readonly<Record<string, AnyErrorClass>>>(
  response: PromiseLike<R> | R,
  errors: C,
): Promise<SafeResult<C, Awaited<ReturnType<R['json']>>>> {
  return (await settle(response, errors)) as SafeResult<C, Awaited<ReturnType<R['json']>>>
}

async function settle(
  pending: PromiseLike<Response> | Response,
  errors: Readonly<Record<string, AnyErrorClass>>,
): Promise<SafeResult<Record<string, never>, unknown>> {
  let status: number | undefined
  try {
    const response = await pending
    status = response.status
    if (response.ok) return { ok: true, data: status === 204 || status === 205 ? undefined : await response.json() }
    const body = parseErrorBody(await response.json())
    const known =
      body === undefined ? undefined : await recognise(body, errors, retryAfterMs(response.headers, Date.now()))
    const error = known ?? new UnexpectedAnswer(body?.message ?? `the service answered ${status}`, { status, body })
    return { ok: false, error: error as UnexpectedAnswer }
  } catch (cause) {
    const text =
      status === undefined ? 'no response from the service' : `the service answered ${status} with an unreadable body`
    return { ok: false, error: new UnexpectedAnswer(text, status === undefined ? { cause } : { status, cause }) }
  }
}

/** Finds the catalogue's error for a body. If several entries share the code, the first with a fitting context wins. */
async function recognise(
  body: ErrorBody,
  errors: Readonly<Record<string, AnyErrorClass>>,
  afterMs: number | undefined,
): Promise<TypedError | undefined> {
  for (const errorClass of Object.values(errors)) {
    if (errorClass.code !== body.error_code) continue
    const result = await errorClass.definition.context?.['~standard'].validate(body.context)
    if (result?.issues !== undefined) continue
    const make = errorClass as unknown as new (context: unknown, details: ErrorDetails) => TypedError
    const error = new make(result?.value, afterMs === undefined ? {} : { retryAfterMs: afterMs })
    // The message of the service is in the language of the client.
    error.message = body.message
    return error
  }
  return undefined
}
