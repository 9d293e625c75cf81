import { differences } from '../matching/differences.ts'
import { inOrder, something, text } from '../matching/pattern.ts'
import { printable, show, truncated } from '../matching/show.ts'
import type { Answer } from '../wire/answer.ts'
import { SERVICE_NAMES, type Service } from '../wire/request.ts'

/** The answer that a row expects. An omitted field may have any value. */
export interface Expectation {
  /** A pattern for the status, usually a number. */
  readonly status?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
  /** A pattern for the body as JSON. */
  readonly json?: unknown
  /** A pattern for the body as text. */
  readonly body?: unknown
  readonly atLeastMs?: number
  readonly withinMs?: number
  /** The answer is missing or incomplete: a pattern for its `failure`. */
  readonly failure?: unknown
  /** An error body in the contract's form. An omitted message or context may be anything. */
  readonly error?: { readonly code: unknown; readonly message?: unknown; readonly context?: unknown }
  /** Skips the checks that hold for all answers of a service, for example because the answer is an injected fault. */
  readonly anyForm?: true
  /** The text for the report; by default built from the other fields. */
  readonly shown?: string
}

/** Expects an error with a body in the contract's form. */
export function refused(
  status: number,
  code: unknown,
  message?: unknown,
  context?: unknown,
  more: Omit<Expectation, 'status' | 'error'> = {},
): Expectation {
  const facts = { ...(message === undefined ? {} : { message }), ...(context === undefined ? {} : { context }) }
  return { ...more, status, error: { code, ...facts } }
}

/** Expects status 200 with this JSON. */
export function ok(json: unknown, more: Omit<Expectation, 'status' | 'json'> = {}): Expectation {
  return { ...more, status: 200, json }
}

/** Matches 32 lower-case hexadecimal digits that are not all zero. */
export const TRACE_ID: RegExp = /^(?!0{32})[0-9a-f]{32}$/

/** Returns the differences between an answer and its expectation. */
export function check(expected: Expectation, answer: Answer, from: Service): string[] {
  const { status, headers = {}, json, body, atLeastMs, withinMs, failure, error } = expected
  const found = differences(failure, answer.failure, 'failure')
  // After a broken connection, "expected 200, got 0" adds nothing.
  if (found.length > 0) return [...found, ...(answer.status === 0 ? [] : [`the answer began with ${answer.status}`])]
  if (status !== undefined) found.push(...differences(status, answer.status, 'status'))
  // With another status, the body is another one too.
  if (found.length > 0) return [`${found[0]} ${codeOf(answer) ?? ''}`.trimEnd()]
  for (const [name, pattern] of Object.entries(headers)) {
    found.push(...differences(pattern, answer.headers[name.toLowerCase()], name))
  }
  if (json !== undefined) found.push(...differences(json, answer.json, 'body'))
  if (body !== undefined) found.push(...differences(body, answer.body, 'body'))
  if (error !== undefined) found.push(...checkError(error, answer, from))
  const ms = Math.round(answer.ms)
  if (atLeastMs !== undefined && ms < atLeastMs) found.push(`expected to take at least ${atLeastMs} ms, took ${ms} ms`)
  if (withinMs !== undefined && ms > withinMs) found.push(`expected within ${withinMs} ms, took ${ms} ms`)
  return found
}

/** Checks the six keys in their order, and that they agree with the headers. */
function checkError(error: NonNullable<Expectation['error']>, answer: Answer, from: Service): string[] {
  const sixKeys = inOrder({
    trace_id: answer.headers['x-trace-id'],
    error_code: error.code,
    message: error.message ?? text,
    status_code: answer.status,
    service_name: SERVICE_NAMES[from],
    context: error.context ?? something,
  })
  return [
    ...differences(TRACE_ID, answer.headers['x-trace-id'], 'X-Trace-ID'),
    ...differences('application/json; charset=utf-8', answer.headers['content-type'], 'Content-Type'),
    ...differences(sixKeys, answer.json, 'body'),
  ]
}

/** Formats an expectation for the report. */
export function shownExpectation({ shown, status, error, json, failure, withinMs }: Expectation): string {
  if (shown !== undefined) return shown
  const parts = [
    ...(failure === undefined ? [] : [show(failure, 60)]),
    ...(status === undefined ? [] : [show(status, 40)]),
    ...(error === undefined ? [] : [show(error.code, 60).replaceAll('"', '')]),
    ...(json === undefined ? [] : [show(json, 80)]),
    ...(withinMs === undefined ? [] : [`within ${withinMs} ms`]),
  ]
  return parts.length === 0 ? 'any answer' : parts.join(' ')
}

/** Formats an answer for the report. */
export function shownAnswer(answer: Answer): string {
  const { status, json, body, failure, ms } = answer
  const what = codeOf(answer) ?? (json === undefined ? printable(body) : show(json))
  const parts = [
    ...(failure === undefined ? [] : [failure]),
    ...(status === 0 ? [] : [String(status)]),
    truncated(what, 80),
  ]
  return `${parts.filter((part) => part !== '').join(' ')} (${Math.round(ms)} ms)`
}

/** Returns the error code of the body, if it has one. */
function codeOf({ json }: Answer): string | undefined {
  const code = typeof json === 'object' && json !== null && 'error_code' in json ? json.error_code : undefined
  return typeof code === 'string' ? printable(code) : undefined
}
