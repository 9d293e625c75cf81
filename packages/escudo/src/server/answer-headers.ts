import type { ErrorAnswer } from '../errors/contract/contract.ts'
import { describesBody, mergeVary } from './headers.ts'

/**
 * The headers of an error answer on a `Response` of web standards: those that were set so far and may stay, and its own.
 *
 * Headers that described the unsent body are dropped. CORS, cookies and all others are kept; `Vary` is merged.
 *
 * @param made the headers that the response has so far
 */
export function answerHeaders(answer: ErrorAnswer, made?: Headers): Headers | Record<string, string> {
  // Most answers have no other ones. An object costs a fraction of `Headers`, and libraries for Node send it as it is.
  if (made === undefined || isEmpty(made)) return { ...answer.headers, 'x-trace-id': answer.body.trace_id }
  const headers = new Headers(made)
  for (const name of [...headers.keys()]) if (describesBody(name)) headers.delete(name)
  const vary = headers.get('vary') ?? undefined
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, value)
  if (vary !== undefined) headers.set('vary', mergeVary(vary, answer.headers['vary'] ?? ''))
  headers.set('x-trace-id', answer.body.trace_id)
  return headers
}

function isEmpty(headers: Headers): boolean {
  return headers.keys().next().done === true
}
