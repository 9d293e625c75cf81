import { differences } from '../matching/differences.ts'
import { inOrder, something, text } from '../matching/pattern.ts'
import { cut, printable, show } from '../matching/show.ts'
import type { Answer } from '../wire/answer.ts'
import { SERVICE_NAMES, type Service } from '../wire/request.ts'

/** What a row says of an answer. What is left out may be anything. */
export interface Expectation {
  /** A pattern for the status, mostly the number itself. */
  readonly status?: unknown
  readonly headers?: Readonly<Record<string, unknown>>
  /** A pattern for the body as JSON. */
  readonly json?: unknown
  /** A pattern for the body as text. */
  readonly body?: unknown
  readonly atLeastMs?: number
  readonly withinMs?: number
  /** The answer does not come, or not whole: a pattern for why. */
  readonly failure?: unknown
  /** An error of the one form; its context may be anything when it is left out. */
  readonly error?: { readonly code: unknown; readonly message?: unknown; readonly context?: unknown }
  /** The answer is not the service's own (an injected fault, say): what holds for all of its own is not asked of it. */
  readonly foreign?: true
  /** In a few words, for the report; made from the rest when it is left out. */
  readonly shown?: string
}

/** An error answer in the one form. */
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

/** A good answer with this JSON. */
export function ok(json: unknown, more: Omit<Expectation, 'status' | 'json'> = {}): Expectation {
  return { ...more, status: 200, json }
}

/** 32 hexadecimal digits. */
export const TRACE_ID: RegExp = /^(?!0{32})[0-9a-f]{32}$/

/** How an answer differs from what a row says of it. */
export function check(expected: Expectation, answer: Answer, from: Service): string[] {
  const { status, headers = {}, json, body, atLeastMs, withinMs, failure, error } = expected
  const found = differences(failure, answer.failure, 'failure')
  // After a broken connection, "expected 200, got 0" adds nothing.
  if (found.length > 0) return [...found, ...(answer.status === 0 ? [] : [`the answer began with ${answer.status}`])]
  if (status !== undefined) found.push(...differences(status, answer.status, 'status'))
  // An answer of another kind: that its body is another one goes without saying.
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

/** The six keys, in their order, and what the headers say of the same facts. */
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

/** An expectation as the report prints it. */
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

/** An answer as the report prints it. */
export function shownAnswer(answer: Answer): string {
  const { status, json, body, failure, ms } = answer
  const what = codeOf(answer) ?? (json === undefined ? printable(body) : show(json))
  const parts = [...(failure === undefined ? [] : [failure]), ...(status === 0 ? [] : [String(status)]), cut(what, 80)]
  return `${parts.filter((part) => part !== '').join(' ')} (${Math.round(ms)} ms)`
}

/** The error's code, where the body tells one. */
function codeOf({ json }: Answer): string | undefined {
  const code = typeof json === 'object' && json !== null && 'error_code' in json ? json.error_code : undefined
  return typeof code === 'string' ? printable(code) : undefined
}
