// The form that every answer of the shop has, checked without vitest's `expect`, which is too slow for thousands.

const KEYS = 'trace_id,error_code,message,status_code,service_name,context'
const TRACE_ID = /^[0-9a-f]{32}$/

/** An answer as any of the clients of these tests reads it. */
export interface Formed {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly text: string
}

/** What is wrong with the form of an answer; undefined when nothing is. */
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
    return 'the body is no JSON'
  }
  if (typeof body !== 'object' || body === null || Object.keys(body).join() !== KEYS) return `the body is ${text}`
  const { trace_id, error_code, message, status_code, service_name, context } = body as Record<string, unknown>
  if (trace_id !== traceId) return `trace_id is '${trace_id}', the header '${traceId}'`
  if (typeof error_code !== 'string' || !/^[A-Z][A-Z0-9_]+[A-Z0-9]$/.test(error_code)) return `code '${error_code}'`
  if (typeof message !== 'string' || message === '') return `message '${message}'`
  if (status_code !== status) return `status_code is ${status_code}, the status ${status}`
  if (service_name !== 'potion-shop') return `service_name is '${service_name}'`
  if (typeof context !== 'object' || context === null || Array.isArray(context)) return 'context is no object'
  return undefined
}

/** The code of an error's answer; undefined for any other. */
export function codeOf({ status, text }: Pick<Formed, 'status' | 'text'>): string | undefined {
  if (status < 400) return undefined
  try {
    return (JSON.parse(text) as { error_code?: string }).error_code
  } catch {
    return undefined
  }
}

/** Numbers sorted, and the one below which a share of them lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

/** How often each of some words occurs, most frequent first. */
export function counted(words: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .map(([word, count]) => `${count} × ${word}`)
    .join(', ')
}
