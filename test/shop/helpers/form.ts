// Checks the common form of every answer of the shop. Vitest's `expect` would be too slow for thousands of answers.

const KEYS = 'trace_id,error_code,message,status_code,service_name,context'
const TRACE_ID = /^[0-9a-f]{32}$/

/** The part of an answer that every client in these tests provides. */
export interface Formed {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/** Describes what is wrong with the form of an answer; undefined when it is correct. */
export function formProblem({ status, headers, text }: Formed): string | undefined {
  const traceId = headers.get('x-trace-id') ?? ''
  if (!TRACE_ID.test(traceId)) return `x-trace-id is '${traceId}'`
  if (status < 400) return undefined
  const type = headers.get('content-type')
  if (type !== 'application/json; charset=utf-8') return `content-type is '${type}'`
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return 'the body is not JSON'
  }
  if (typeof body !== 'object' || body === null || Object.keys(body).join() !== KEYS) return `the body is ${text}`
  const { trace_id, error_code, message, status_code, service_name, context } = body as Record<string, unknown>
  if (trace_id !== traceId) return `trace_id is '${trace_id}', the header '${traceId}'`
  if (typeof error_code !== 'string' || !/^[A-Z][A-Z0-9_]+[A-Z0-9]$/.test(error_code)) return `code '${error_code}'`
  if (typeof message !== 'string' || message === '') return `message '${message}'`
  if (status_code !== status) return `status_code is ${status_code}, the status ${status}`
  if (service_name !== 'potion-shop') return `service_name is '${service_name}'`
  if (typeof context !== 'object' || context === null || Array.isArray(context)) return 'context is not an object'
  return undefined
}

/** Returns the error code of an error answer; undefined for any other answer. */
export function codeOf({ status, text }: Pick<Formed, 'status' | 'text'>): string | undefined {
  if (status < 400) return undefined
  try {
    return (JSON.parse(text) as { error_code?: string }).error_code
  } catch {
    return undefined
  }
}

/** Returns the quantile of some numbers; `share` is from 0 to 1. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** Lists how often each word occurs, most frequent first. */
export function counted(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([word, count]) => `${count} × ${word}`)
    .join(', ')
}
